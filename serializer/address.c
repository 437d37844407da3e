/* SPDX-License-Identifier: MIT */
#include "serializer/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { HOSTNAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63, MAC_DIGITS = 12, MAC_BYTES = 17 };

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        c = (char)(c - 'A' + 'a');
    return c;
}

static bool is_label(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.ptr[i]) && s.ptr[i] != '-' && s.ptr[i] != '_')
            return false;
    return s.len > 0 && s.len <= LABEL_MAX_BYTES;
}

static bool is_hostname(struct str s)
{
    if (s.len == 0 || s.len > HOSTNAME_MAX_BYTES || s.ptr[s.len - 1] == '.')
        return false;
    while (s.len)
        if (!is_label(str_cut(&s, '.')))
            return false;
    return true;
}

bool address_hostname(struct str s, struct arena *arena, struct str *out)
{
    if (s.len && s.ptr[s.len - 1] == '.')
        s.len--;
    if (!is_hostname(s))
        return false;
    char *name = arena_take(arena, s.len);
    for (size_t i = 0; i < s.len; i++)
        name[i] = lower(s.ptr[i]);
    *out = (struct str){name, s.len};
    return true;
}

/* RFC 5952. glibc writes what begins with 96 zero bits as ::1.2.3.4, which is out of use. */
static void print_ipv6(const struct in6_addr *address, char out[static INET6_ADDRSTRLEN])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const uint8_t *b = address->s6_addr;
    if (memcmp(b, mapped, sizeof mapped) == 0)
        (void)inet_ntop(AF_INET, b + sizeof mapped, out, INET6_ADDRSTRLEN);
    else if (IN6_IS_ADDR_V4COMPAT(address) && (b[12] || b[13]))
        (void)snprintf(out, INET6_ADDRSTRLEN, "::%x:%x", b[12] << 8 | b[13],
                       b[14] << 8 | b[15]);
    else
        (void)inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
}

bool address_ip(struct str s, struct arena *arena, struct str *out)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct in_addr v4;
    struct in6_addr v6;
    bool bracketed = s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']';
    if (bracketed)
        s = (struct str){s.ptr + 1, s.len - 2};
    s = str_cut(&s, '%');
    if (s.len == 0 || s.len >= sizeof text)
        return false;
    memcpy(text, s.ptr, s.len);
    if (inet_pton(AF_INET6, text, &v6) == 1)
        print_ipv6(&v6, text);
    else if (bracketed || inet_pton(AF_INET, text, &v4) != 1)
        return false;
    *out = arena_copy(arena, str_of(text));
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f');
}

static bool is_mark(char c)
{
    return c == ':' || c == '-' || c == '.';
}

static bool mac_digits(struct str s, char digits[static MAC_DIGITS])
{
    size_t count = 0;
    char mark = '\0';
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (is_hex(c)) {
            if (count == MAC_DIGITS)
                return false;
            digits[count++] = lower(c);
            continue;
        }
        bool between =
            count > 0 && count % 2 == 0 && count < MAC_DIGITS && is_hex(s.ptr[i - 1]);
        if (!between || !is_mark(c) || (mark && c != mark))
            return false;
        mark = c;
    }
    return count == MAC_DIGITS;
}

bool address_mac(struct str s, struct arena *arena, struct str *out)
{
    char digits[MAC_DIGITS];
    if (!mac_digits(s, digits))
        return false;
    char *text = arena_take(arena, MAC_BYTES), *end = text;
    for (size_t i = 0; i < MAC_DIGITS; i++) {
        if (i > 0 && i % 2 == 0)
            *end++ = ':';
        *end++ = digits[i];
    }
    *out = (struct str){text, MAC_BYTES};
    return true;
}
