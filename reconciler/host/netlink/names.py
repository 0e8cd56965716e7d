"""What `ip` calls the kernel's numbers (iproute2's if_link.h)."""

OPERSTATE = ("UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP")
