/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The number of a log line: `WHK` and four digits, first in the line, each used in one place of
 * the sources and never again for something else. What it means and what to do is in
 * docs/log-messages.md. */

/** `WHK_LOGNO(0123) "what happened: what to do"` */
#define WHK_LOGNO(number) "WHK" #number ": "

/** The bytes of what WHK_LOGNO() gives. */
#define WHK_LOGNO_LENGTH (sizeof(WHK_LOGNO(0000)) - 1)
