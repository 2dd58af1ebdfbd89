#pragma once

#include <pcap/pcap.h>

// Not imported: a macro with a cast.
static inline bpf_u_int32 pcap_unknown_netmask(void) { return PCAP_NETMASK_UNKNOWN; }
