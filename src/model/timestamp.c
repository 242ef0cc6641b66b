/* SPDX-License-Identifier: Apache-2.0 */
#include "model/timestamp.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

const char *whk_time_format(apr_pool_t *pool, apr_time_t when)
{
    apr_time_exp_t parts;

    apr_time_exp_gmt(&parts, when);
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                        parts.tm_usec / 1000);
}

/* Exactly `count` digits. */
static int read_digits(const char **text, int count, int *number)
{
    for (*number = 0; count > 0; count--, ++*text) {
        if (!apr_isdigit(**text))
            return 0;
        *number = *number * 10 + (**text - '0');
    }
    return 1;
}

static int read_character(const char **text, const char *allowed)
{
    if (!**text || !strchr(allowed, **text))
        return 0;
    ++*text;
    return 1;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && is_leap);
}

static int read_date(const char **text, apr_time_exp_t *parts)
{
    int year;
    int month;

    if (!read_digits(text, 4, &year) || !read_character(text, "-") ||
        !read_digits(text, 2, &month) || !read_character(text, "-") ||
        !read_digits(text, 2, &parts->tm_mday))
        return 0;
    parts->tm_year = year - 1900;
    parts->tm_mon = month - 1;
    return month >= 1 && month <= 12 && parts->tm_mday >= 1 &&
           parts->tm_mday <= days_in_month(year, month);
}

/* Digits behind a point, if there is one, of which the first three count. */
static int read_fraction(const char **text, apr_int32_t *microseconds)
{
    apr_int32_t unit = 100000;

    *microseconds = 0;
    if (!read_character(text, "."))
        return 1;
    if (!apr_isdigit(**text))
        return 0;
    for (; apr_isdigit(**text); ++*text, unit /= 10)
        if (unit >= 1000)
            *microseconds += (**text - '0') * unit;
    return 1;
}

static int read_time_of_day(const char **text, apr_time_exp_t *parts)
{
    return read_digits(text, 2, &parts->tm_hour) && read_character(text, ":") &&
           read_digits(text, 2, &parts->tm_min) && read_character(text, ":") &&
           read_digits(text, 2, &parts->tm_sec) && read_fraction(text, &parts->tm_usec) &&
           parts->tm_hour < 24 && parts->tm_min < 60 && parts->tm_sec < 60;
}

static int read_offset(const char **text, apr_int32_t *seconds)
{
    int sign = **text == '-' ? -1 : 1;
    int hours;
    int minutes;

    *seconds = 0;
    if (read_character(text, "Zz"))
        return 1;
    if (!read_character(text, "+-") || !read_digits(text, 2, &hours) ||
        !read_character(text, ":") || !read_digits(text, 2, &minutes))
        return 0;
    *seconds = sign * (hours * 60 + minutes) * 60;
    return hours < 24 && minutes < 60;
}

int whk_time_parse(const char *text, apr_time_t *when)
{
    apr_time_exp_t parts;
    apr_time_t time;

    memset(&parts, 0, sizeof(parts));
    if (!read_date(&text, &parts) || !read_character(&text, "Tt") ||
        !read_time_of_day(&text, &parts) || !read_offset(&text, &parts.tm_gmtoff) || *text ||
        apr_time_exp_gmt_get(&time, &parts) != APR_SUCCESS)
        return 0;
    *when = time;
    return 1;
}

apr_time_t whk_time_now(void)
{
    apr_time_t now = apr_time_now();

    return now - now % 1000;
}
