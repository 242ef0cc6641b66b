/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A QR code on a terminal, for an authenticator app to photograph. */

/** Print `text` as a QR code on standard output, where that is a terminal that shows UTF-8. */
void whk_qr_print(const char *text);
