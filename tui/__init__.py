"""What people use: the screens, and the command line beside them."""
