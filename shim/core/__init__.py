"""The pure core: no I/O, no clock, no logging. It yields commands and returns one outcome."""
