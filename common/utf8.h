/* utf8.h - one step of the UTF-8 check, for those who must do something about the bytes that fail it. See utf8_valid in mp.h. */
#ifndef LEAT_COMMON_UTF8_H
#define LEAT_COMMON_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character at `at` (1..4), or 0 if none starts there before `end`. Requires at < end. */
size_t utf8_step(const unsigned char *at, const unsigned char *end);

#endif
