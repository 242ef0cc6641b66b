// SPDX-License-Identifier: Apache-2.0
// go run answer.go KEY KID JWKS_URL PORT
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

var base64url = base64.RawURLEncoding.Strict()

type algorithm struct {
	name  string
	curve elliptic.Curve
	hash  crypto.Hash
}

var algorithms = map[string]algorithm{
	"P-256": {"ES256", elliptic.P256(), crypto.SHA256},
	"P-384": {"ES384", elliptic.P384(), crypto.SHA384},
	"P-521": {"ES512", elliptic.P521(), crypto.SHA512},
}

func digestOf(hash crypto.Hash, text []byte) []byte {
	digest := hash.New()
	digest.Write(text)
	return digest.Sum(nil)
}

// ---- the platform's keys: kept for the set's max-age; an unknown kid fetches it anew, once a minute at most

type publicKey struct {
	alg    string
	verify func(text, signature []byte) bool
}

type jwk struct{ Kty, Crv, Kid, X, Y string }

func (member jwk) key() (publicKey, error) {
	x, err := base64url.DecodeString(member.X)
	if err != nil {
		return publicKey{}, err
	}
	if member.Kty == "OKP" && member.Crv == "Ed25519" && len(x) == ed25519.PublicKeySize {
		return publicKey{"EdDSA", func(text, signature []byte) bool { return ed25519.Verify(x, text, signature) }}, nil
	}
	alg, known := algorithms[member.Crv]
	y, err := base64url.DecodeString(member.Y)
	point := ecdsa.PublicKey{Curve: alg.curve, X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}
	if member.Kty != "EC" || !known || err != nil || !alg.curve.IsOnCurve(point.X, point.Y) {
		return publicKey{}, errors.New("a key of another kind")
	}
	size := (alg.curve.Params().BitSize + 7) / 8
	return publicKey{alg.name, func(text, signature []byte) bool {
		if len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(&point, digestOf(alg.hash, text), r, s)
	}}, nil
}

type keySet struct {
	sync.Mutex
	url        string
	keys       map[string]publicKey
	tried, end time.Time
}

var client = http.Client{Timeout: 5 * time.Second}
var maxAge = regexp.MustCompile(`max-age=(\d+)`)

func (set *keySet) fetch(now time.Time) error {
	set.tried = now
	response, err := client.Get(set.url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var members struct{ Keys []jwk }
	if response.StatusCode != 200 {
		return errors.New(response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&members); err != nil {
		return err
	}
	set.keys = map[string]publicKey{}
	for _, member := range members.Keys {
		if key, err := member.key(); err == nil {
			set.keys[member.Kid] = key
		}
	}
	age := 300
	if match := maxAge.FindStringSubmatch(response.Header.Get("Cache-Control")); match != nil {
		age, _ = strconv.Atoi(match[1])
	}
	if age < 30 {
		age = 30
	}
	set.end = now.Add(time.Duration(age) * time.Second)
	return nil
}

func (set *keySet) find(kid string) (publicKey, error) {
	set.Lock()
	defer set.Unlock()
	key, found := set.keys[kid]
	now := time.Now()
	if now.After(set.end) && now.After(set.tried.Add(10*time.Second)) || !found && now.After(set.tried.Add(time.Minute)) {
		if err := set.fetch(now); err != nil {
			return key, err
		}
		key, found = set.keys[kid]
	}
	if !found || now.After(set.end) {
		return key, errors.New("no key has this kid")
	}
	return key, nil
}

// ---- what comes

type usedOnce struct {
	sync.Mutex
	ends map[string]time.Time
}

func (used *usedOnce) use(jti string) error {
	used.Lock()
	defer used.Unlock()
	now := time.Now()
	for old, end := range used.ends {
		if now.After(end) {
			delete(used.ends, old)
		}
	}
	if _, known := used.ends[jti]; known || jti == "" {
		return errors.New("jti: used before")
	}
	used.ends[jti] = now.Add(400 * time.Second)
	return nil
}

func decode(part string, into any) error {
	text, err := base64url.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func verify(set *keySet, used *usedOnce, token string, body []byte) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("no JWT")
	}
	var header struct {
		Alg, Kid, Typ string
		Crit          any
	}
	if err := decode(parts[0], &header); err != nil {
		return err
	}
	if header.Typ != "JWT" || header.Crit != nil {
		return errors.New("not a JWT of this kind")
	}
	key, err := set.find(header.Kid)
	if err != nil {
		return err
	}
	signature, err := base64url.DecodeString(parts[2])
	// The key decides which alg is good.
	if err != nil || header.Alg != key.alg || !key.verify([]byte(parts[0]+"."+parts[1]), signature) {
		return errors.New("bad signature")
	}
	var claims struct {
		Iat, Exp float64
		Jti      string
		Hash     string `json:"request_body_sha256"`
		// Where the platform tells you an iss and an aud, read them here and compare them below.
	}
	if err := decode(parts[1], &claims); err != nil {
		return err
	}
	now := float64(time.Now().Unix())
	if claims.Iat < now-330 || claims.Iat > now+30 || claims.Exp+30 <= now {
		return errors.New("not made now")
	}
	hash := sha256.Sum256(body)
	if claims.Hash != hex.EncodeToString(hash[:]) && claims.Hash != base64url.EncodeToString(hash[:]) {
		return errors.New("another body")
	}
	return used.use(claims.Jti)
}

// ---- what goes back

type event struct {
	EvaluationID string `json:"evaluationId"`
	Amount       *float64
}

// Yours: what the platform does after this.
func decide(event event) int {
	if event.Amount != nil && *event.Amount <= 1000 {
		return 200
	}
	return 403
}

type signer struct {
	alg  string
	sign func(text []byte) ([]byte, error)
}

func readSigner(file string) (signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return signer{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return signer{}, errors.New("no PEM in " + file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	switch key := parsed.(type) {
	case ed25519.PrivateKey:
		return signer{"EdDSA", func(text []byte) ([]byte, error) { return ed25519.Sign(key, text), nil }}, err
	case *ecdsa.PrivateKey:
		alg := algorithms[key.Params().Name]
		return signer{alg.name, func(text []byte) ([]byte, error) {
			r, s, err := ecdsa.Sign(rand.Reader, key, digestOf(alg.hash, text))
			if err != nil {
				return nil, err
			}
			size := (key.Params().BitSize + 7) / 8
			signature := make([]byte, 2*size)
			r.FillBytes(signature[:size])
			s.FillBytes(signature[size:])
			return signature, nil
		}}, err
	}
	return signer{}, fmt.Errorf("no signer for %T (%v)", parsed, err)
}

func (s signer) answer(kid string, event event) (string, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return "", err
	}
	now := time.Now().Unix()
	header, _ := json.Marshal(map[string]any{"alg": s.alg, "kid": kid, "typ": "JWT"})
	claims, _ := json.Marshal(map[string]any{
		"evaluationId": event.EvaluationID, "statusCode": decide(event),
		"iat": now, "exp": now + 60, "jti": hex.EncodeToString(id),
	})
	text := base64url.EncodeToString(header) + "." + base64url.EncodeToString(claims)
	signature, err := s.sign([]byte(text))
	return text + "." + base64url.EncodeToString(signature), err
}

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: answer KEY KID JWKS_URL PORT")
	}
	signer, err := readSigner(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	set, used := &keySet{url: os.Args[3]}, &usedOnce{ends: map[string]time.Time{}}
	handle := func(w http.ResponseWriter, r *http.Request) (string, error) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			return "", err
		}
		tokens := r.Header.Values("Webhook-JWT")
		if len(tokens) != 1 {
			return "", errors.New("no JWT")
		}
		if err := verify(set, used, tokens[0], body); err != nil {
			return "", err
		}
		var event event
		if err := json.Unmarshal(body, &event); err != nil || event.EvaluationID == "" {
			return "", fmt.Errorf("no event: %v", err)
		}
		return signer.answer(os.Args[2], event)
	}
	server := http.Server{Addr: "127.0.0.1:" + os.Args[4], ReadTimeout: 30 * time.Second}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		jwt, err := handle(w, r)
		if err != nil {
			log.Print("refused: ", err)
			w.WriteHeader(401)
			return
		}
		w.Header().Set("Content-Type", "application/jwt")
		io.WriteString(w, jwt)
	})
	log.Fatal(server.ListenAndServe())
}
