/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A message that no retry can mend, on its way to the rejects topic and back: key and value byte
 * for byte, its own headers, and why. The reason stands in headers named as Kafka Connect names
 * them (KIP-298), behind the message's own, so that the tools that people have can read it.
 *
 * A retry is the message sent again to its own topic and partition, with two headers more: how
 * often it has been retried, and which reject it was. They come back with it when it is rejected
 * again, so that the count needs no other place.
 */
#include "common/kafka.h"

struct reject {
    struct str stage; /* "fetcher" */
    struct str topic; /* where it lay, with prefix */
    int32_t partition;
    int64_t offset;
    int32_t map; /* by which the serializer read it; 0 = by none */
    struct str key, value;
    const struct header *headers; /* the message's own */
    size_t header_count;
    struct str reason; /* one sentence for a person */
};

/*
 * As kafka_send(). Of a message with more headers than HEADERS_MAX holds beside ours, which is
 * none of Muster's, the last ones are left out.
 */
must_check bool reject_send(struct kafka_producer *p, const struct reject *r, void *ticket,
                            struct arena *arena, struct err *err);

/* Where a reject lies in the rejects topic: what people call it by. */
struct reject_id {
    int32_t partition;
    int64_t offset;
};
/* "0:41" */
struct str reject_id_text(struct reject_id id, struct arena *arena);
must_check bool reject_id_parse(struct str text, struct reject_id *out);

/*
 * A message of the rejects topic, as views of it; the message's own headers are put into
 * `headers`. ERR_REJECT when it is none.
 */
must_check bool reject_read(const struct kafka_message *m,
                            struct header headers[static HEADERS_MAX], struct reject *out,
                            struct err *err);
/* How often the message had been retried; *out_of is the reject that it was then, if any. */
int64_t reject_retries(const struct reject *r, struct reject_id *out_of);
/* The headers of the next retry: the message's own and ours. Returns how many. */
size_t reject_retry_headers(const struct reject *r, struct reject_id id, struct arena *arena,
                            struct header out[static HEADERS_MAX]);
