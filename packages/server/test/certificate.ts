// A certificate of `localhost` for tests, valid for a hundred years. It signs itself, so clients trust it as an authority:
// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost
//   -addext subjectAltName=DNS:localhost,IP:127.0.0.1

export const certificate = `
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUfxL2FnDSI6ZNgKyKKfon3DzdoC4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzAyMTcwMVoYDzIxMjYxMTAz
MDIxNzAxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASwXoUraDYICxtdZYRETar3Wp8HUare+qk+6dWPRBwra83cj/sEpfxg
8qRmmNvyhLi2HiLC9ctZpEBKMM2wscOio28wbTAdBgNVHQ4EFgQUKw2Jb4UwennL
yV62ekMV6YtotRUwHwYDVR0jBBgwFoAUKw2Jb4UwennLyV62ekMV6YtotRUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAPBEK6033fP61ZoPL5TG8+GpJjjcpLBntFvXrNombebFAiBP
BBHlvjhi5ZD7BIQgg9ARzQhlCk/4uaFgl9SdTmDs/Q==
-----END CERTIFICATE-----
`;

/** Its private key, which is no secret. */
export const privateKey = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgq702hDPNLnOi/mYC
vHSTKwcH1KRxERB76Dg2vHMNi4yhRANCAASwXoUraDYICxtdZYRETar3Wp8HUare
+qk+6dWPRBwra83cj/sEpfxg8qRmmNvyhLi2HiLC9ctZpEBKMM2wscOi
-----END PRIVATE KEY-----
`;
