"""About the repository itself: what is in it, what is not, and that its promises about itself hold."""
