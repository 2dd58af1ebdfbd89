#!/usr/bin/env python3
"""independent.py JSON P7S TSR SIGNER TSA: checks a seal's signature and its token with asn1crypto (CMS, TSP and X.509) and
cryptography (the mathematics alone), which share no code with us and none with OpenSSL's CMS and TS. Exit 0 where both hold."""
import hashlib, sys
from asn1crypto import cms, pem, tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

json, p7s, tsr = (open(p, "rb").read() for p in sys.argv[1:4])
certificate = lambda path: x509.Certificate.load(pem.unarmor(open(path, "rb").read())[2])


def verify(key, signature, data, digest):
    key, algorithm = load_der_public_key(key.dump()), getattr(hashes, digest.upper())()
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(algorithm))
    else:
        key.verify(signature, data, padding.PKCS1v15(), algorithm)


def signed(info, content, kind, issuer):
    """Checks CMS SignedData over content; -> the signer's certificate."""
    assert info["content_type"].native == "signed_data"
    data = info["content"]
    assert data["encap_content_info"]["content_type"].native == kind
    (signer,) = data["signer_infos"]
    name = signer["sid"].chosen
    (leaf,) = [c.chosen for c in data["certificates"]
               if c.chosen.issuer == name["issuer"] and c.chosen.serial_number == name["serial_number"].native]
    digest = signer["digest_algorithm"]["algorithm"].native
    attributes = {a["type"].native: a["values"] for a in signer["signed_attrs"]}
    assert attributes["content_type"][0].native == kind
    assert attributes["message_digest"][0].native == hashlib.new(digest, content).digest()
    ids = attributes["signing_certificate_v2"][0]["certs"]
    assert ids[0]["cert_hash"].native == hashlib.new(ids[0]["hash_algorithm"]["algorithm"].native, leaf.dump()).digest()
    # RFC 5652 section 5.4: the attributes are signed with the tag of a SET OF.
    verify(leaf.public_key, signer["signature"].native, signer["signed_attrs"].untag().dump(), digest)
    if leaf.dump() != issuer.dump():
        assert leaf.issuer == issuer.subject
        verify(issuer.public_key, leaf.signature, leaf["tbs_certificate"].dump(), leaf.hash_algo)
    return leaf


signed(cms.ContentInfo.load(p7s, strict=True), json, "data", certificate(sys.argv[4]))
response = tsp.TimeStampResp.load(tsr, strict=True)
assert response["status"]["status"].native in ("granted", "granted_with_mods")
token = response["time_stamp_token"]
content = token["content"]["encap_content_info"]["content"]
leaf = signed(token, bytes(content), "tst_info", certificate(sys.argv[5]))
info = content.parsed
assert info["version"].native == "v1"
assert info["message_imprint"]["hashed_message"].native == hashlib.new(info["message_imprint"]["hash_algorithm"]["algorithm"].native, p7s).digest()
assert leaf.extended_key_usage_value.native == ["time_stamping"]
assert leaf.not_valid_before <= info["gen_time"].native <= leaf.not_valid_after
