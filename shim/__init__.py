from shim.compiled import choose

choose()
