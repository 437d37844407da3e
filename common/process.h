/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What every stage measures: its process, its build, its checks and its log. Reads /proc; does
 * not block.
 */
#include "common/health.h"
#include "common/metrics.h"

extern const struct metric process_meters[];
extern const size_t process_meter_count;

/* Bring them up to date, before they are rendered. */
void process_measure(struct metrics *m, const struct health *h);
