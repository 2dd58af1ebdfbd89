#pragma once
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/http.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
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

// TLS of a server that only listens (RFC 5425). Sessions are not resumed: a client certificate is looked at each time.
static inline void ossl_tls_strict(SSL_CTX *c) {
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                             SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 0);
}
static inline int ossl_tls_verify(int required) { return SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0); }
static inline int ossl_file_pem(void) { return SSL_FILETYPE_PEM; }
// Without it OpenSSL asks the terminal for the password of an encrypted key.
static inline int ossl_no_password(char *buffer, int size, int writing, void *data) {
  (void)buffer, (void)size, (void)writing, (void)data;
  return -1;
}
static inline void ossl_tls_never_ask(SSL_CTX *c) { SSL_CTX_set_default_passwd_cb(c, ossl_no_password); }

// HTTP: a connection of our own, headers, and TLS over it.
static inline BIO *ossl_connection(const char *host, const char *port) {
  BIO *b = BIO_new_connect(host);
  if (b && (BIO_set_conn_port(b, port) != 1 || BIO_set_nbio(b, 1) != 1)) { BIO_free(b); return NULL; }
  return b;
}
static inline long ossl_connect(BIO *b) { return BIO_do_connect(b); }
static inline int ossl_should_retry(BIO *b) { return BIO_should_retry(b) != 0; }
static inline SSL *ossl_bio_ssl(BIO *b) { SSL *s = NULL; BIO_get_ssl(b, &s); return s; }
static inline int ossl_header(STACK_OF(CONF_VALUE) **h, const char *name, const char *value) { return X509V3_add_value(name, value, h); }
static inline void ossl_headers_free(STACK_OF(CONF_VALUE) *h) { sk_CONF_VALUE_pop_free(h, X509V3_conf_free); }
static inline int ossl_server_name(SSL *s, const char *host) { return (int)SSL_set_tlsext_host_name(s, host); }
static inline void ossl_client_options(SSL_CTX *c) {
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  // HTTP/1.0 ends with the connection, and many servers end that without a word of TLS.
  SSL_CTX_set_options(c, SSL_OP_IGNORE_UNEXPECTED_EOF);
}
static inline int ossl_is_system_error(unsigned long code) { return ERR_SYSTEM_ERROR(code); }
static inline int ossl_error_reason(unsigned long code) { return ERR_GET_REASON(code); }
// A copy of the bytes, so that the BIO may outlive them.
static inline BIO *ossl_memory(const void *p, int n) {
  BIO *b = BIO_new(BIO_s_mem());
  if (b && n > 0 && BIO_write(b, p, n) != n) { BIO_free(b); return NULL; }
  return b;
}
