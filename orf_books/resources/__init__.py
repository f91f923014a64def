"""Clients for everything outside the process: services, objects, tables."""
