/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OpenSSL alone verifies in a second, on all cores: one EVP_DigestVerify on a kept key for
 * each of many messages as long as the signing input of a webhook of 1 KiB. With a fourth argument,
 * `sign`: one EVP_DigestSign. evp ES256|EdDSA|RS256 THREADS MILLISECONDS [sign]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

static EVP_PKEY *pkey;
static const EVP_MD *md;
static unsigned char text[1420];
static unsigned char signature[512];
static size_t length = sizeof(signature);
static double seconds;
static int signs;

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int verify(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = EVP_DigestVerifyInit(context, NULL, md, NULL, pkey) == 1 &&
               EVP_DigestVerify(context, signature, length, text, sizeof(text)) == 1;

    EVP_MD_CTX_free(context);
    return good;
}

static int sign(void)
{
    unsigned char made[sizeof(signature)];
    size_t room = sizeof(made);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = EVP_DigestSignInit(context, NULL, md, NULL, pkey) == 1 &&
               EVP_DigestSign(context, made, &room, text, sizeof(text)) == 1;

    EVP_MD_CTX_free(context);
    return good;
}

static void *work(void *count)
{
    double end = now() + seconds;

    while (now() < end) {
        if (!(signs ? sign() : verify()))
            exit(1);
        ++*(long *)count;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    long counts[64] = {0};
    long total = 0;
    pthread_t threads[64];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int count = argc == 4 || argc == 5 ? atoi(argv[2]) : 0;
    int i;

    if (count < 1 || count > 64)
        return 2;
    seconds = atof(argv[3]) / 1000;
    signs = argc == 5 && !strcmp(argv[4], "sign");
    md = strcmp(argv[1], "EdDSA") ? EVP_sha256() : NULL;
    if (!md)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        pkey = strcmp(argv[1], "RS256") ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    if (EVP_DigestSignInit(context, NULL, md, NULL, pkey) != 1 ||
        EVP_DigestSign(context, signature, &length, text, sizeof(text)) != 1)
        return 1;
    EVP_MD_CTX_free(context);
    for (i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, work, &counts[i]);
    for (i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        total += counts[i];
    }
    printf("%.0f\n", (double)total / seconds);
    EVP_PKEY_free(pkey);
    return 0;
}
