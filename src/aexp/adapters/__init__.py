"""The technologies behind the ports: one folder for each port, one file for each technology."""
