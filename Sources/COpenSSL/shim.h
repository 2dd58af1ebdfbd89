#pragma once
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

// Swift imports no function-like macro, no variadic function, no STACK_OF helper and no 64-bit flag macro.
static inline void ossl_free(void *p) { OPENSSL_free(p); }
static inline EVP_PKEY *ossl_ec_key(const char *curve) { return EVP_EC_gen(curve); }
static inline long ossl_bio_bytes(BIO *b, char **p) { return BIO_get_mem_data(b, p); }
static inline STACK_OF(X509) *ossl_certs_new(void) { return sk_X509_new_null(); }
static inline int ossl_certs_push(STACK_OF(X509) *s, X509 *c) { X509_up_ref(c); return sk_X509_push(s, c); }
static inline int ossl_certs_count(const STACK_OF(X509) *s) { return s ? sk_X509_num(s) : 0; }
static inline X509 *ossl_certs_at(const STACK_OF(X509) *s, int i) { return sk_X509_value(s, i); }
static inline void ossl_certs_free(STACK_OF(X509) *s) { sk_X509_pop_free(s, X509_free); }
static inline void ossl_v3_ctx(X509V3_CTX *c, X509 *cert) { X509V3_set_ctx(c, cert, cert, NULL, NULL, 0); X509V3_set_ctx_nodb(c); }
static inline unsigned long ossl_partial_chain(void) { return X509_V_FLAG_PARTIAL_CHAIN; }
static inline int ossl_ts_flags(void) { return TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_SIGNER; }
