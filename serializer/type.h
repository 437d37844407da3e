/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Casting: from whatever a provider sends to the type that the model asks for, or a sentence
 * that says why not. Values are copies in the arena and outlive the page. Pure.
 *
 *   string    text, trimmed; numbers and booleans as JSON spells them
 *   hostname  text, in the one spelling of address.h
 *   ip        text, likewise
 *   mac       text, likewise
 *   datetime  RFC 3339 (clock_parse_iso); numbers: seconds below 10^11, with or without a
 *             fraction, else whole milliseconds; {"$date": RFC 3339 or milliseconds}, also
 *             as {"$numberLong": text}; of the years 0 to 9999
 *   int       whole numbers, whole reals within 2^53, text of digits, {"$numberLong": text},
 *             {"$numberInt": text}
 *   bool      true, false; "true"/"false", "yes"/"no", "1"/"0" without case; 1 and 0
 *   enum      text; a spelling of one of the words, without case
 *   object    an object; members cast one by one; one without any value is none
 *
 * null, empty or blank text and empty lists and objects are no value and no fault. Text that is
 * longer than 64 KiB is a fault. A NUL byte in text is kept in a string and a fault in every
 * other type.
 */
#include "common/model.h"
#include "common/select.h"

/*
 * False: *why says what was found and what was expected ("lots" is no int), and *out is
 * VALUE_NONE, or an object without the members that would not cast. Never a list: see
 * type_cast_all.
 */
must_check bool type_cast(const struct type *t, const struct pick *p, struct arena *arena,
                          struct value *out, struct str *why);

/*
 * All results of a field's selection. A single-valued type takes the first result that has a
 * value; a list type takes all, flattens arrays by one level, and is sorted and without
 * repetition (lists are sets). Items that will not cast are left out, and the first one's
 * reason is given. False when there was a fault; *out then still holds what could be cast.
 */
must_check bool type_cast_all(const struct type *t, const struct pick *picks, size_t count,
                              struct arena *arena, struct value *out, struct str *why);
