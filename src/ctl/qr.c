/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/qr.h"

#include <langinfo.h>
#include <qrencode.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Light modules around the code, so that it is found (ISO/IEC 18004: four). */
#define QUIET_ZONE 4

static int is_dark(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return 0;
    return code->data[y * code->width + x] & 1;
}

/* Two modules to a character, one over the other; black on white whatever the terminal's colours.
 */
static void print_code(const QRcode *code)
{
    static const char *const halves[2][2] = {{" ", "\u2584"}, {"\u2580", "\u2588"}};
    int x, y;

    for (y = -QUIET_ZONE; y < code->width + QUIET_ZONE; y += 2) {
        fputs("\033[30;107m", stdout);
        for (x = -QUIET_ZONE; x < code->width + QUIET_ZONE; x++)
            fputs(halves[is_dark(code, x, y)][is_dark(code, x, y + 1)], stdout);
        puts("\033[0m");
    }
}

void whk_qr_print(const char *text)
{
    QRcode *code;

    if (!isatty(STDOUT_FILENO) || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        return;
    code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (!code)
        return;
    print_code(code);
    QRcode_free(code);
}
