/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The version of this software, of the module and of whkctl alike. */

#define WHK_VERSION "0.1.0"
