"""Methods that fit no untrained network; one module each."""
