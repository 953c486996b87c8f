"""What Linux, systemd, git and the programs of quotas say of this node."""
