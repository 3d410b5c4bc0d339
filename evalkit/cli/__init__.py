"""The command line: ``evalkit``, one module a command or noun, loaded when it is used."""
