"""What all services share: the chassis. Services import only this, never each other."""
