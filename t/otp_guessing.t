# SPDX-License-Identifier: Apache-2.0
# Whoever can write the database can put a token of his own beside an admin's name, lift that admin's lock after each
# code, and take each event away again. What a node remembers by itself keeps him from guessing codes all the same.
use strict;
use warnings;
use Test::More tests => 8;
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::OTP;
use WHK::Server;

# A node's hours begin when its machine did: not in the middle of this.
my $rest = 3600 - clock_gettime(CLOCK_MONOTONIC) % 3600;
sleep $rest + 1 if $rest < 60;

my $server = WHK::Server->new(children => 4);
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'acme', 2);
my ($alice, $bob) = @{ $admins->{list} };
my $token = 'f' x 43;
$server->sql("INSERT INTO whk_token (id, hash, user_id, created_at) VALUES ('x', '" . sha256_hex($token) . "', '$alice->{user}', 1)");
$server->sql(
    $server->driver eq 'sqlite3' ? 'CREATE TRIGGER lift AFTER UPDATE OF failures ON whk_otp WHEN NEW.failures > 0 BEGIN UPDATE whk_otp SET failures = 0, locked_until = 0 WHERE user_id = NEW.user_id; END'
    # As the row was before it would be none that was changed, to MariaDB.
  : $server->driver eq 'mysql' ? 'CREATE TRIGGER lift BEFORE UPDATE ON whk_otp FOR EACH ROW SET NEW.locked_until = IF(NEW.failures > 0, 1 - OLD.locked_until, NEW.locked_until), NEW.failures = 0'
  : "CREATE FUNCTION lift() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.failures := 0; NEW.locked_until := 0; RETURN NEW; END'; CREATE TRIGGER lift BEFORE UPDATE OF failures ON whk_otp FOR EACH ROW WHEN (NEW.failures > 0) EXECUTE FUNCTION lift()"
);

sub register {
    my ($with, $code) = @_;
    my $body = JSON::PP->new->encode({ jwks => WHK::Keys::jwks({ %{ WHK::Keys::jwk('ed25519') }, kid => 'his' . rand }) });
    my $r = $client->request(POST => $server->keys('acme'), { Authorization => "Bearer $with", OTP => $code, 'Content-Type' => 'application/json' }, $body);
    $client->close;
    return $r;
}
sub wrong { my $n = shift; my $code = sprintf '%06d', $n; return (grep { WHK::OTP::code($alice->{secret}, step => WHK::OTP::step_now() + $_) eq $code } -2 .. 2) ? wrong($n + 500_000) : $code }

my %codes;
$codes{ register($token, wrong($_))->code }++ for 1 .. 100;
is($codes{otp_invalid}, 60, 'of 100 wrong codes a node judges 60') or diag explain \%codes;
is($codes{otp_locked}, 40, '... and the others not');
my $r = register($token, WHK::OTP::code($alice->{secret}));
refused($r, 429, 'otp_locked', 'nor the one that is right');
cmp_ok($r->header('Retry-After'), '>', 0, '... for the rest of the hour');
cmp_ok($r->header('Retry-After'), '<=', 3600, '... which is no longer than that');
like($server->error_log, qr/more than 60 codes of user \Q$alice->{user}\E were refused in this hour.* look who lifts them in the database/, 'the log tells the operator');
$server->graceful;
refused(register($token, WHK::OTP::code($alice->{secret})), 429, 'otp_locked', 'a reload does not lift it');
is(register($bob->{token}, WHK::OTP::code($bob->{secret}))->status, 201, 'the codes of others are good');
