/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What shells ask (conf.h) of the line of a command: commands, the words of the usage texts, and the models, providers and
 * streams of the files. Prints the answers. Asks no server; files that do not load complete to nothing.
 */
#include "muster/muster.h"

void complete(struct muster *m, const struct conf_program *program,
              const struct command *commands, size_t count, int argc, char **argv);
