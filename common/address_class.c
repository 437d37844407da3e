/* SPDX-License-Identifier: MIT */
/*
 * Which addresses are of this machine or this network. Forms of IPv6 that carry an IPv4 address are looked at as that one: a packet
 * to them may well arrive there.
 */
#include "common/model.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum class { PUBLIC, LOOPBACK, PRIVATE, LINK_LOCAL, UNSPECIFIED };

enum { ADDRESS_BYTES = 16, V4_BYTES = 4, V4_BITS = 96 /* what stands before it when mapped */ };

struct range {
    uint8_t prefix[ADDRESS_BYTES];
    unsigned bits;
    enum class class;
};

#define V4(...) {[10] = 0xff, 0xff, __VA_ARGS__}

static const struct range ranges[] = {
    {V4(127), V4_BITS + 8, LOOPBACK},         /* RFC 1122 */
    {V4(10), V4_BITS + 8, PRIVATE},           /* RFC 1918 */
    {V4(172, 16), V4_BITS + 12, PRIVATE},     /* RFC 1918 */
    {V4(192, 168), V4_BITS + 16, PRIVATE},    /* RFC 1918 */
    {V4(100, 64), V4_BITS + 10, PRIVATE},     /* RFC 6598, carrier-grade NAT */
    {V4(169, 254), V4_BITS + 16, LINK_LOCAL}, /* RFC 3927 */
    {V4(0), V4_BITS + 8, UNSPECIFIED},        /* RFC 1122 */
    {{[15] = 1}, 128, LOOPBACK},              /* RFC 4291 */
    {{0}, 128, UNSPECIFIED},                  /* RFC 4291 */
    {{0xfc}, 7, PRIVATE},                     /* RFC 4193 */
    {{0xfe, 0x80}, 10, LINK_LOCAL},           /* RFC 4291 */
};

/* Prefixes before an IPv4 address; bits / 8 is where it stands. */
static const struct range carriers[] = {
    {{0}, 96, PUBLIC},                      /* RFC 4291, IPv4-compatible */
    {{0x00, 0x64, 0xff, 0x9b}, 96, PUBLIC}, /* RFC 6052, NAT64 */
    {{0x20, 0x02}, 16, PUBLIC},             /* RFC 3056, 6to4 */
};

static bool has_prefix(const uint8_t *address, const struct range *r)
{
    size_t bytes = r->bits / 8;
    unsigned rest = r->bits % 8;
    if (memcmp(address, r->prefix, bytes) != 0)
        return false;
    return rest == 0 || (address[bytes] ^ r->prefix[bytes]) >> (8 - rest) == 0;
}

static enum class plain_class(const uint8_t *address) {
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges;
         i++) if (has_prefix(address, &ranges[i])) return ranges[i]
        .class;
    return PUBLIC;
}

static enum class class_of(const uint8_t *address) {
    enum class found = plain_class(address);
    for (size_t i = 0; found == PUBLIC && i < sizeof carriers / sizeof *carriers;
         i++){uint8_t carried[ADDRESS_BYTES] = V4(0);
              memcpy(carried + V4_BITS / 8, address + carriers[i].bits / 8, V4_BYTES);
              if (has_prefix(address, &carriers[i])) found = plain_class(carried);}
return found;
}

/* IPv4 becomes its mapped form. */
static bool parse(struct str address, uint8_t out[static ADDRESS_BYTES])
{
    static const uint8_t mapped[ADDRESS_BYTES] = V4(0);
    char text[INET6_ADDRSTRLEN];
    address = str_cut(&address, '%');
    if (address.len >= sizeof text)
        return false;
    (void)snprintf(text, sizeof text, STR_FMT, STR_ARG(address));
    if (inet_pton(AF_INET6, text, out) == 1)
        return true;
    memcpy(out, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, out + V4_BITS / 8) == 1;
}

bool address_is_in(struct str address, const struct never *classes)
{
    uint8_t bytes[ADDRESS_BYTES];
    if (!parse(address, bytes))
        return false;
    switch (class_of(bytes)) {
    case PUBLIC:
        return false;
    case LOOPBACK:
        return classes->loopback;
    case PRIVATE:
        return classes->private_;
    case LINK_LOCAL:
        return classes->link_local;
    case UNSPECIFIED:
        return classes->unspecified;
    }
    return false;
}

bool address_is_same(struct str a, struct str b)
{
    uint8_t left[ADDRESS_BYTES], right[ADDRESS_BYTES];
    return parse(a, left) && parse(b, right) && memcmp(left, right, sizeof left) == 0;
}

bool address_is_valid(struct str address)
{
    uint8_t ignored[ADDRESS_BYTES];
    return parse(address, ignored);
}
