/* SPDX-License-Identifier: Apache-2.0 */
#include "model/name.h"

#include <apr_general.h>
#include <string.h>

#define NO_CHARACTER 0xFFFFFFFFu

/* Bytes of the UTF-8 sequence that `lead` starts, and the least code point that needs so many. */
static apr_size_t sequence_length(unsigned char lead, apr_uint32_t *bits, apr_uint32_t *least)
{
    if (lead < 0x80) {
        *bits = lead;
        *least = 0;
        return 1;
    }
    if ((lead & 0xE0) == 0xC0) {
        *bits = lead & 0x1F;
        *least = 0x80;
        return 2;
    }
    if ((lead & 0xF0) == 0xE0) {
        *bits = lead & 0x0F;
        *least = 0x800;
        return 3;
    }
    if ((lead & 0xF8) == 0xF0) {
        *bits = lead & 0x07;
        *least = 0x10000;
        return 4;
    }
    return 0;
}

/* Take one Unicode scalar value (RFC 3629) off the front of the text, or NO_CHARACTER. */
static apr_uint32_t next_character(const char **text, apr_size_t *length)
{
    const unsigned char *bytes = (const unsigned char *)*text;
    apr_uint32_t character = 0;
    apr_uint32_t least = 0;
    apr_size_t count = sequence_length(bytes[0], &character, &least);
    apr_size_t i;

    if (count == 0 || count > *length)
        return NO_CHARACTER;
    for (i = 1; i < count; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return NO_CHARACTER;
        character = character << 6 | (bytes[i] & 0x3F);
    }
    if (character < least || character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
        return NO_CHARACTER;
    *text += count;
    *length -= count;
    return character;
}

static int is_control(apr_uint32_t character)
{
    return character < 0x20 || (character >= 0x7F && character <= 0x9F);
}

/* The White_Space property of Unicode's PropList.txt, without the controls among them. */
static int is_white_space(apr_uint32_t character)
{
    return character == 0x20 || character == 0xA0 || character == 0x1680 ||
           (character >= 0x2000 && character <= 0x200A) || character == 0x2028 ||
           character == 0x2029 || character == 0x202F || character == 0x205F || character == 0x3000;
}

const char *whk_name_flaw(const char *text, apr_size_t length)
{
    apr_size_t characters = 0;
    int controls = 0;
    int starts_blank = 0;
    apr_uint32_t last = 0;

    while (length > 0) {
        last = next_character(&text, &length);
        if (last == NO_CHARACTER)
            return "be valid UTF-8";
        controls |= is_control(last);
        if (characters++ == 0)
            starts_blank = is_white_space(last);
    }
    if (characters < 1 || characters > WHK_NAME_MAX)
        return "be 1 to " APR_STRINGIFY(WHK_NAME_MAX) " characters long";
    if (controls)
        return "hold no control characters";
    if (starts_blank || is_white_space(last))
        return "not begin or end with white space";
    return NULL;
}

static int is_dots(const char *text, apr_size_t length)
{
    return (length == 1 || length == 2) && memcmp(text, "..", length) == 0;
}

const char *whk_key_id_flaw(const char *text, apr_size_t length)
{
    if (is_dots(text, length))
        return "not be . or .., which no URL path can carry";
    return whk_name_flaw(text, length);
}

const char *whk_enterprise_id_flaw(const char *text, apr_size_t length)
{
    if (length > 0 && memchr(text, '/', length))
        return "hold no /, as it is one segment of a URL path";
    return whk_key_id_flaw(text, length);
}

static int is_reserved(const char *text, apr_size_t length, const char *name)
{
    return length == strlen(name) && !memcmp(text, name, length);
}

const char *whk_user_flaw(const char *text, apr_size_t length)
{
    static const char operator_[] = "operator:";

    if (is_reserved(text, length, "schedule") || is_reserved(text, length, "background") ||
        (length >= strlen(operator_) && !memcmp(text, operator_, strlen(operator_))))
        return "not be schedule, background or begin with operator:, since under these names the "
               "audit trail holds what nobody asked for by the API";
    return whk_name_flaw(text, length);
}
