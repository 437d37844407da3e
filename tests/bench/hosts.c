/* SPDX-License-Identifier: MIT */
#include "tests/bench/hosts.h"

/* splitmix64: https://prng.di.unimi.it/splitmix64.c, public domain */
static uint64_t scatter(uint64_t n)
{
    n += 0x9e3779b97f4a7c15U;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9U;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebU;
    return n ^ (n >> 31);
}

bool host_write(uint64_t number, const char *seen, struct buf *out)
{
    uint64_t id = scatter(number), more = scatter(id);
    unsigned a = (unsigned)(number >> 16) & 255, b = (unsigned)(number >> 8) & 255,
             c = (unsigned)number & 255;
    return buf_addf(
        out,
        "{\"device_id\":\"%016llx%016llx\",\"hostname\":\"ip-10-%u-%u-%u.ec2.internal\","
        "\"local_ip\":\"10.%u.%u.%u\",\"external_ip\":\"52.%u.%u.%u\","
        "\"mac_address\":\"0a-%02x-%02x-%02x-%02x-%02x\",\"instance_id\":\"i-0%016llx\","
        "\"service_provider\":\"AWS_EC2_V2\",\"service_provider_account_id\":\"730335219045\","
        "\"zone_group\":\"eu-west-1%c\",\"first_seen\":\"2024-03-%02uT08:%02u:17Z\","
        "\"last_seen\":\"%s\",\"modified_timestamp\":\"2025-01-%02uT11:%02u:42Z\","
        "\"os_version\":\"Ubuntu 22.04\",\"platform_name\":\"Linux\","
        "\"kernel_version\":\"5.15.0-%u-generic\",\"bios_manufacturer\":\"Amazon EC2\","
        "\"system_manufacturer\":\"Amazon EC2\",\"system_product_name\":\"t3.micro\","
        "\"serial_number\":\"ec2%08x\",\"status\":\"normal\",\"agent_version\":\"7.10.17706.0\","
        "\"tags\":[\"env/prod\",\"team/%u\"]}",
        (unsigned long long)id, (unsigned long long)more, a, b, c, a, b, c, a, b, c,
        (unsigned)(id & 255), (unsigned)(more & 255), a, b, c, (unsigned long long)more,
        "abc"[id % 3], (unsigned)(id % 28) + 1, (unsigned)(id % 60), seen,
        (unsigned)(more % 28) + 1, (unsigned)(more % 60), (unsigned)(id % 200),
        (unsigned)(id >> 32), (unsigned)(id % 40));
}
