/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_JOSE_SIGNATURE_FEED_H
#define WHK_JOSE_SIGNATURE_FEED_H

/**
 * @file jose/signature_feed.h
 * whk_signature_verify() for what was signed in pieces that need not be in memory at once. Begin,
 * feed every piece in order, end; whatever goes wrong is kept until the end, which then says no.
 */

#include <apr_pools.h>

#include "jose/jwk.h"

typedef struct whk_signature_feed_t whk_signature_feed_t;

/**
 * @param algorithm as for whk_signature_verify()
 * @param total     bytes that will be fed: an EdDSA key gathers them
 */
whk_signature_feed_t *whk_signature_begin(const whk_jwk_t *jwk, whk_algorithm_t algorithm,
                                          apr_size_t total, apr_pool_t *pool);

/** The bytes of a piece that is all there is are borrowed until the end; others are not. */
void whk_signature_feed(whk_signature_feed_t *feed, const void *bytes, apr_size_t length);

/** @return as whk_signature_verify(). The feed is used up. */
int whk_signature_end(whk_signature_feed_t *feed, const unsigned char *signature,
                      apr_size_t length);

#endif
