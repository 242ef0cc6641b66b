/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/printable.h"

#include <stdio.h>
#include <string.h>

/* The code point at `text`, and how many bytes it takes; a byte that is not UTF-8 is itself. */
static unsigned int code_point(const unsigned char *text, int *length)
{
    unsigned int value = text[0];
    int count = value >= 0xf0 ? 4 : value >= 0xe0 ? 3 : value >= 0xc0 ? 2 : 1;
    int i;

    *length = 1;
    if (count == 1)
        return value;
    value &= 0x7fu >> count;
    for (i = 1; i < count; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return text[0];
        value = value << 6 | (text[i] & 0x3f);
    }
    *length = count;
    return value;
}

static int is_obeyed(unsigned int value, int length)
{
    return value < 0x20 || (value >= 0x7f && value < 0xa0) || (length == 1 && value >= 0x80) ||
           value == 0x061c || (value >= 0x200b && value <= 0x200f) ||
           (value >= 0x2028 && value <= 0x202e) || (value >= 0x2060 && value <= 0x206f) ||
           value == 0xfeff;
}

const char *whk_printable(apr_pool_t *pool, const char *text)
{
    /* `\u{FF}` for one byte is the longest there is. */
    char *shown = apr_palloc(pool, 8 * strlen(text) + 1);
    char *end = shown;

    while (*text) {
        int length;
        unsigned int value = code_point((const unsigned char *)text, &length);

        if (is_obeyed(value, length)) {
            end += sprintf(end, "\\u{%02X}", value);
        } else {
            memcpy(end, text, (size_t)length);
            end += length;
        }
        text += length;
    }
    *end = '\0';
    return shown;
}
