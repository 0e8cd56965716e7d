"""What `ip` calls the kernel's numbers (iproute2's rt_protos, rt_scopes, rt_tables, if_link.h)."""

OPERSTATE = ("UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP")
PORT_STATE = ("disabled", "listening", "learning", "forwarding", "blocking")
SCOPE = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
TABLE = {253: "default", 254: "main", 255: "local"}
ROUTE_TYPE = {
    1: "unicast",
    2: "local",
    3: "broadcast",
    4: "anycast",
    5: "multicast",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
    9: "throw",
}
ROUTE_PROTOCOL = {
    1: "redirect",
    2: "kernel",
    3: "boot",
    4: "static",
    9: "ra",
    11: "zebra",
    12: "bird",
    16: "dhcp",
    18: "keepalived",
    186: "bgp",
    187: "isis",
    188: "ospf",
    189: "rip",
    192: "eigrp",
}
ADDRESS_PROTOCOL = {1: "kernel_lo", 2: "kernel_ra", 3: "kernel_ll"}
