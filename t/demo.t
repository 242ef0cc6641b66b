# SPDX-License-Identifier: Apache-2.0
# The demo behind `make -f Makefile.apxs run`: what its tour signs by openssl alone reaches the backend, and nothing else.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use Time::HiRes qw(sleep time);
use WHK::Server;

my ($status, undef, $error) = WHK::Server::run_command('env', 'CUSTOMER=file:///etc/passwd', 'sh', 'conf/demo/run.sh');
ok($status && $error =~ /^run: CUSTOMER is .* must be an http URL/, 'a customer that is no URL is refused');

my $dir  = tempdir('whk-demo-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $port = WHK::Server::free_port();
my $pid  = fork // die "fork: $!";
if (!$pid) {
    chdir $WHK::Server::root or die $!;
    open STDOUT, '>', "$dir/said" or die $!;
    # httpd opens this one anew, and so writes from its beginning.
    open STDERR, '>', "$dir/log" or die $!;
    @ENV{qw(PORT RUN_DIR HTTPD)} = ($port, "$dir/run", $WHK::Server::httpd);
    exec 'sh', 'conf/demo/run.sh';
    die "sh: $!";
}
sub said { open my $in, '<', "$dir/said" or return ''; local $/; return scalar <$in> // '' }
my $end = time + 120;
sleep 0.2 until said() =~ /key-events/ || time > $end;
like(said(), qr/^\s+whk_send body\.json/m, 'it prints its tour');

sub in_shell {
    my $lines = shift;
    my (undef, $out, $err) = WHK::Server::run_command('sh', '-c', ". $dir/run/demo.env; . $dir/run/tour.sh; cd $dir; $lines");
    diag $err if length $err && $err !~ /^A code works once/;
    return eval { JSON::PP->new->utf8->decode($out) } // diag $out;
}
my $r = in_shell('openssl genpkey -algorithm ed25519 -out my-key.pem; whk_jwks my-key.pem my-key-1 > my-key.json;
    whk POST /webhooks/keys -H "OTP: $(whk_otp)" -d @my-key.json');
is($r->{status}, 'ACTIVE', 'a key is registered');
$r = in_shell(q(echo '{"event":"paid"}' > body.json; whk_sign my-key.pem my-key-1 body.json > signature; whk_send body.json "$(cat signature)"));
is($r->{arrived}{body}, qq({"event":"paid"}\n), 'a signed webhook arrives');
is_deeply([ @{ $r->{webhook} }{qw(enterprise keyId alg)} ], [qw(acme my-key-1 EdDSA)], '... and the backend learns whose it is');
$r = in_shell(q(echo '{"event":"paid twice"}' > tampered.json; whk_send tampered.json "$(cat signature)"));
is($r->{code}, 'bad_signature', 'one that was changed does not');

my $out = 'whk_customer my-key.pem my-key-1; ' . q(echo '{"evaluationId":"e-1","amount":250}' > event.json; );
$r = in_shell("$out whk_out event.json e-1");
is_deeply([ $r->{status}, $r->{keyId}, @{ $r->{claims} }{qw(evaluationId statusCode)} ], [ 200, 'my-key-1', 'e-1', 200 ], 'the demo\'s customer verifies what is sent, and its answer is taken')
  or diag explain $r;
is(in_shell('whk_out event.json e-2')->{code}, 'claim_mismatch', 'for another question it is not');
my ($direct) = WHK::Server::run_command('sh', '-c', ". $dir/run/demo.env; curl -sf --noproxy '*' -d '{}' \"\${WHK_OUT_URL%/out}/customer\"");
is($direct, 22, '... and the customer answers nobody else');
is((stat "$dir/run/out-1.pem")[2] & 0777, 0600, 'the key that httpd signs with is nobody else\'s to read');

# A code works once, so this waits for the next: at most 30 s.
$r = in_shell('whk DELETE /webhooks/keys/my-key-1 -H "OTP: $(whk_otp)" 2> /dev/null');
ok($r->{success}, 'the key is revoked') or diag explain $r;
is(in_shell(q(whk_send body.json "$(cat signature)"))->{code}, 'key_revoked', 'and what it signed does not arrive any more');
is(in_shell('whk_out event.json e-1')->{code}, 'key_revoked', 'nor does what it answered');

kill TERM => $pid;
waitpid $pid, 0;
is($?, 0, 'it ends when it is told to');
done_testing;
