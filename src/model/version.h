/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_MODEL_VERSION_H
#define WHK_MODEL_VERSION_H

/**
 * @file model/version.h
 * The version of this software, of the module and of whkctl alike.
 */

#define WHK_VERSION "0.1.0"

#endif
