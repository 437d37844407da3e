/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A message where something else says that it is kept: a source's page, a reject's original.
 */
#include "muster/muster.h"
#include "serializer/entity.h"

/* "pages" of "muster.pages", or NULL when the topic is not of this installation. */
const char *kept_topic(struct muster *m, struct str topic);
/*
 * As kafka_read_one(): ERR_REJECT when retention has removed it. ERR_FATAL with exit code 78 when its topic has another prefix than
 * ours.
 */
must_check bool kept_read(struct muster *m, const struct coords *at, struct kafka_message *out,
                          struct err *err);
