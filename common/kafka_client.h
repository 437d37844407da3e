/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the Kafka files share and nobody else includes: how a client of librdkafka is configured and made.
 */
#include "common/kafka.h"

#include <librdkafka/rdkafka.h>

enum { TOPIC_MAX_BYTES = 250 }; /* Kafka allows 249 characters */

/* A configuration under construction; the first bad value is kept for kafka_client_new(). */
struct kafka_conf {
    rd_kafka_conf_t *conf;
    char problem[512];
};

/* With everything that is the same for all clients. */
struct kafka_conf kafka_conf_new(const struct kafka_settings *s);
/* A property that this version of librdkafka does not know is passed over. */
void kafka_conf_set(struct kafka_conf *c, const char *name, struct str value);
void kafka_conf_set_int(struct kafka_conf *c, const char *name, int64_t value);
/* For clients that live long: their statistics come once a second, and go to this. */
void kafka_conf_watch(struct kafka_conf *c,
                      int (*on_statistics)(rd_kafka_t *, char *, size_t, void *));
/* Uses up the configuration, also when it fails (exit code 78). */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, struct kafka_conf *c, struct err *err);

/* An event descriptor that becomes readable when `queue` gets something; -1 on failure. */
int kafka_wake_open(struct err *err);
void kafka_wake_by(rd_kafka_queue_t *queue, int fd);
void kafka_wake_read(int fd);

/* Whether a client is connected, from one statistics to the next. */
struct kafka_pulse {
    bool was_up; /* the last time */
    bool is_down;
};
void kafka_pulse_take(struct kafka_pulse *p, struct str statistics);

void kafka_topic_name(const struct kafka_settings *s, const char *topic,
                      char out[static TOPIC_MAX_BYTES]);
/* Views into `m`, which then belongs to *out. */
void kafka_message_of(rd_kafka_message_t *m, struct kafka_message *out);
