"""Opening, reading and writing what a result is compared with."""
