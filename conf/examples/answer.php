<?php
// SPDX-License-Identifier: Apache-2.0
// KEY=… KID=… JWKS_URL=… STATE=/var/lib/answer php -S 127.0.0.1:PORT answer.php
// The same file serves behind php-fpm. STATE is a folder of its own, which only this program can write.
declare(strict_types=1);

const CURVES = [ // of a JWK: algorithm, digest, size of its numbers, what comes before x and y in a DER public key
    'P-256' => ['ES256', 'sha256', 32, '3059301306072a8648ce3d020106082a8648ce3d03010703420004'],
    'P-384' => ['ES384', 'sha384', 48, '3076301006072a8648ce3d020106052b8104002203620004'],
    'P-521' => ['ES512', 'sha512', 66, '30819b301006072a8648ce3d020106052b810400230381860004'],
];
const CURVES_OF_OPENSSL = ['prime256v1' => 'P-256', 'secp384r1' => 'P-384', 'secp521r1' => 'P-521'];

set_error_handler(fn (int $level, string $message) => error_reporting() & $level ? throw new Exception($message) : true);

function setting(string $name): string
{
    return getenv($name) ?: throw new Exception("$name is not set");
}

function encode(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

function decode(mixed $text): string
{
    $bytes = is_string($text) ? base64_decode(strtr($text, '-_', '+/'), true) : false;
    if ($bytes === false || encode($bytes) !== $text) throw new Exception('no base64url');
    return $bytes;
}

function json(string $text): array
{
    $value = json_decode($text, true, 32, JSON_THROW_ON_ERROR);
    return is_array($value) ? $value : throw new Exception('no JSON object');
}

// ---- the platform's keys: kept for the set's max-age; an unknown kid fetches it anew, once a minute at most

function fetch_keys(string $file): array
{
    @touch(setting('STATE') . '/tried');
    $context = stream_context_create(['http' => ['timeout' => 5]]);
    $text = file_get_contents(setting('JWKS_URL'), false, $context) ?: throw new Exception('no JWK Set');
    $age = preg_match('/^Cache-Control:.*max-age=(\d+)/mi', implode("\n", $http_response_header), $match) ? (int) $match[1] : 300;
    $set = ['end' => time() + max(30, $age), 'keys' => array_column(json($text)['keys'], null, 'kid')];
    $new = $file . getmypid();
    file_put_contents($new, json_encode($set));
    rename($new, $file);
    // Of messages this old, nothing is accepted any more.
    foreach (glob(setting('STATE') . '/jti-*') as $old) if (filemtime($old) < time() - 400) @unlink($old);
    return $set;
}

function find_key(string $kid): array
{
    $file = setting('STATE') . '/keys.json';
    $set = is_file($file) ? json(file_get_contents($file)) : ['end' => 0, 'keys' => []];
    clearstatcache();
    $since = time() - (int) @filemtime(setting('STATE') . '/tried');
    $is_old = time() >= $set['end'];
    if (($is_old && $since >= 10) || (!isset($set['keys'][$kid]) && $since >= 60)) $set = fetch_keys($file);
    if (time() >= $set['end']) throw new Exception('no JWK Set');
    return $set['keys'][$kid] ?? throw new Exception('no key has this kid');
}

// ---- signatures: ECDSA is r and s, where openssl has DER

function der_integer(string $number): string
{
    $number = ltrim($number, "\0");
    if ($number === '' || ord($number[0]) > 127) $number = "\0$number";
    return "\x02" . chr(strlen($number)) . $number;
}

function to_der(string $signature, int $size): string
{
    $both = der_integer(substr($signature, 0, $size)) . der_integer(substr($signature, $size));
    return "\x30" . (strlen($both) > 127 ? "\x81" : '') . chr(strlen($both)) . $both;
}

function from_der(string $der, int $size): string
{
    $at = ord($der[1]) === 0x81 ? 3 : 2;
    $signature = '';
    for ($i = 0; $i < 2; $i++, $at += 2 + $length) {
        $length = ord($der[$at + 1]);
        $signature .= str_pad(ltrim(substr($der, $at + 2, $length), "\0"), $size, "\0", STR_PAD_LEFT);
    }
    return $signature;
}

// The key decides which alg is good.
function is_signed(array $jwk, mixed $alg, string $text, string $signature): bool
{
    if (($jwk['crv'] ?? '') === 'Ed25519')
        return $alg === 'EdDSA' && strlen($signature) === 64 && sodium_crypto_sign_verify_detached($signature, $text, decode($jwk['x']));
    [$name, $digest, $size, $prefix] = CURVES[$jwk['crv'] ?? ''] ?? throw new Exception('a key of another kind');
    $x = decode($jwk['x']);
    $y = decode($jwk['y']);
    if ($alg !== $name || strlen($signature) !== 2 * $size || strlen($x) !== $size || strlen($y) !== $size) return false;
    $pem = "-----BEGIN PUBLIC KEY-----\n" . chunk_split(base64_encode(hex2bin($prefix) . $x . $y), 64) . "-----END PUBLIC KEY-----\n";
    return openssl_verify($text, to_der($signature, $size), $pem, $digest) === 1;
}

function sign(array $claims): string
{
    $pem = file_get_contents(setting('KEY'));
    $key = openssl_pkey_get_private($pem) ?: throw new Exception('no key');
    $curve = CURVES_OF_OPENSSL[openssl_pkey_get_details($key)['ec']['curve_name'] ?? ''] ?? null;
    [$alg, $digest, $size] = $curve ? CURVES[$curve] : ['EdDSA', '', 0];
    $text = encode(json_encode(['alg' => $alg, 'kid' => setting('KID'), 'typ' => 'JWT'])) . '.' . encode(json_encode($claims));
    if ($curve) {
        openssl_sign($text, $der, $key, $digest) || throw new Exception('not signed');
        return "$text." . encode(from_der($der, $size));
    }
    // Ed25519 in PKCS#8 ends with the 32 bytes that libsodium calls the seed.
    $seed = substr(base64_decode(preg_replace('/-----.*?-----|\s/', '', $pem)), -32);
    $secret = sodium_crypto_sign_secretkey(sodium_crypto_sign_seed_keypair($seed));
    return "$text." . encode(sodium_crypto_sign_detached($text, $secret));
}

// ---- what comes, and what goes back

function verify(string $token, string $body): void
{
    $parts = explode('.', $token);
    if (count($parts) !== 3) throw new Exception('no JWT');
    $header = json(decode($parts[0]));
    if (($header['typ'] ?? '') !== 'JWT' || isset($header['crit']) || !is_string($header['kid'] ?? null)) throw new Exception('not a JWT of this kind');
    if (!is_signed(find_key($header['kid']), $header['alg'] ?? '', "$parts[0].$parts[1]", decode($parts[2]))) throw new Exception('bad signature');
    $claims = json(decode($parts[1]));
    $now = time();
    foreach (['iat', 'exp'] as $name) if (!is_int($claims[$name] ?? null)) throw new Exception("no $name");
    if ($claims['iat'] < $now - 330 || $claims['iat'] > $now + 30 || $claims['exp'] + 30 <= $now) throw new Exception('not made now');
    // Where the platform tells you an iss and an aud, compare $claims['iss'] and $claims['aud'] with them here.
    $hash = hash('sha256', $body, true);
    if (!in_array($claims['request_body_sha256'] ?? '', [bin2hex($hash), encode($hash)], true)) throw new Exception('another body');
    if (!is_string($claims['jti'] ?? null)) throw new Exception('no jti');
    // "x" makes a file that is not there yet, and fails for one that is.
    if (!@fopen(setting('STATE') . '/jti-' . hash('sha256', $claims['jti']), 'x')) throw new Exception('jti: used before');
}

// Yours: what the platform does after this.
function decide(array $event): int
{
    $amount = $event['amount'] ?? null;
    return is_int($amount) && $amount <= 1000 ? 200 : 403;
}

try {
    $body = file_get_contents('php://input', length: 1048577);
    if (strlen($body) > 1048576) throw new Exception('too long');
    verify($_SERVER['HTTP_WEBHOOK_JWT'] ?? '', $body);
    $event = json($body);
    if (!is_string($event['evaluationId'] ?? null)) throw new Exception('evaluationId');
    $claims = ['evaluationId' => $event['evaluationId'], 'statusCode' => decide($event)];
    $jwt = sign($claims + ['iat' => time(), 'exp' => time() + 60, 'jti' => bin2hex(random_bytes(16))]);
    header('Content-Type: application/jwt');
    echo $jwt;
} catch (Throwable $error) {
    error_log('refused: ' . $error->getMessage());
    http_response_code(401);
}
