"""The command line, and the whole suite on one machine: embedded servers, the five services, a sample federation."""
