pytest_plugins = ["aexp.testing.matrix"]
