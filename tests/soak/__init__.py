"""Generated messages through the whole shim, against the emulator."""
