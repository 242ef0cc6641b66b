# SPDX-License-Identifier: Apache-2.0
# The servers of docs/answering.md (conf/examples/answer.*) behind httpd as docs/platforms.md configures it: what httpd signed
# they answer, and httpd takes their answer; what was changed, is old, comes twice or is somebody else's they refuse.
use strict;
use warnings;
use Test::More;
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(decode_base64url);
use Time::HiRes qw(sleep time);
use WHK::Answers qw(refused);
use WHK::Backend;
use WHK::Client;
use WHK::Interop;
use WHK::Keys;
use WHK::Server;
use WHK::Signer;
use WHK::Webhooks;

my $dir  = tempdir('whk-docs-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my @algs = qw(ES256 EdDSA ES384 ES512);

# What go build compiles into.
local $ENV{GOCACHE} = $ENV{GOCACHE} // "$dir/go";

sub page {
    my $name = shift;
    open my $in, '<:raw', "$WHK::Server::root/docs/$name" or die "docs/$name: $!";
    local $/;
    return scalar <$in>;
}

sub is_here { return (eval { (WHK::Server::run_command(@_))[0] } // 1) == 0 }

# ---- the programs: what each needs, and its command

my $examples = "$WHK::Server::root/conf/examples";
my %file = (node => 'answer.mjs', python => 'answer.py', go => 'answer.go', php => 'answer.php');
my @linked = page('answering.md') =~ m{\(\.\./conf/examples/(answer\.\w+)\)}g;
is(join(' ', sort @linked), join(' ', sort values %file), 'the page has these programs');

my %prepare = (
    node => sub {
        my ($script, $why) = WHK::Interop::install('verify.mjs');
        return (undef, $why) if !$script;
        my $program = dirname($script) . "/$file{node}";
        copy("$examples/$file{node}", $program) or die "$file{node}: $!";
        return ['node', $program];
    },
    python => sub {
        return (undef, 'python3-jwcrypto is not here') if !is_here('python3', '-c', 'import jwcrypto');
        return ['python3', "$examples/$file{python}"];
    },
    go => sub {
        return (undef, 'go is not here') if !is_here('go', 'version');
        my ($status, undef, $error) = WHK::Server::run_command('go', 'build', '-o', "$dir/answer", "$examples/$file{go}");
        return $status ? (undef, "go does not build it: $error") : ["$dir/answer"];
    },
    php => sub {
        return (undef, 'php is not here') if !is_here('php', '--version');
        return ['php', "$examples/$file{php}"];
    },
);

# ---- the platform: the example of the page, a location for each program and one that keeps what httpd sends

my %port   = map { $_ => WHK::Server::free_port() } sort keys %file;
my $record = WHK::Backend->new;
my %out    = map { $_ => (WHK::Keys::pem_and_jwk(WHK::Signer::kind_of($_)))[0] } @algs;
chmod 0600, values %out;

sub configuration {
    my ($example) = page('platforms.md') =~ /^```apache\n(.*?)^```$/ms;
    my ($server, $location) = $example =~ /\A(.*?)(^<LocationMatch .*)\z/ms;
    $server =~ s/^WebhookKeysSigningKey .*\n//mg;
    my $keys = join '', map { "WebhookKeysSigningKey out-$_ $out{$_}\n" } @algs;
    my %to = ((map { $_ => "http://127.0.0.1:$port{$_}/hook" } keys %port), record => $record->uri . '/hook');
    return $keys . $server . join '', map {
        my $name = $_;
        $location =~ s{\^/out/}{^/out-$name/}r =~ s{Require ip .*}{Require all granted}r =~ s{https://customer\.example/hook}{$to{$name}}r
    } sort keys %to;
}
my $w = WHK::Webhooks->new(hooks => configuration());
my $client = $w->client;
my %key    = map { $_ => $w->key($_) } @algs;
my $set    = 'http://127.0.0.1:' . $w->server->port . '/.well-known/webhook-jwks.json';

# ---- how it is tried

# A server of this program, with one of the customer's keys.
sub serve {
    my ($language, $command, $key) = @_;
    my $state = tempdir(DIR => $dir);
    my @arguments = $language eq 'php' ? ('-S', "127.0.0.1:$port{php}", $command->[1]) : ($key->{pem}, $key->{kid}, $set, $port{$language});
    my @program = $language eq 'php' ? 'php' : @$command;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>>', "$dir/$language.log";
        open STDERR, '>&', \*STDOUT;
        @ENV{qw(KEY KID JWKS_URL STATE)} = ($key->{pem}, $key->{kid}, $set, $state);
        delete @ENV{ grep { /_proxy$/i } keys %ENV };
        exec 'setpriv', '--pdeathsig', 'TERM', @program, @arguments;
    }
    my $end = time + 30;
    while (!IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port{$language})) {
        die "the program does not listen\n" if time > $end;
        sleep 0.05;
    }
    return $pid;
}

sub end { my $pid = shift; kill TERM => $pid; waitpid $pid, 0; return }

sub event { my ($id, $amount) = @_; return qq({"evaluationId":"$id",\n "amount":$amount,"note":"gr\xc3\xbc\xc3\x9fe"}) }

# As the platform's program does it.
sub ask {
    my ($location, $body, $id) = @_;
    my %headers = ('Content-Type' => 'application/json', defined $id ? ('X-Evaluation-Id' => $id) : ());
    return $client->request(POST => "/out-$location/acme", \%headers, $body);
}

# Past httpd.
sub ask_directly {
    my ($language, $body, $jwt) = @_;
    my %headers = ('Content-Type' => 'application/json', defined $jwt ? ('Webhook-JWT' => $jwt) : ());
    return WHK::Client->new($port{$language})->request(POST => '/hook', \%headers, $body);
}

# What httpd signed over a body.
sub signed_by_httpd {
    my $body = shift;
    $record->clear;
    ask('record', $body, 'any');
    return WHK::Backend::header($record->last, 'Webhook-JWT');
}

sub signed {
    my ($alg, $body, %how) = @_;
    my $now = int time;
    my %claims = (exp => $now + 60, %{ delete $how{claims} // {} });
    return $w->signer->sign(
        scheme => 'jwt', header => 'Webhook-JWT', key => $out{$alg}, alg => $alg, kid => "out-$alg", body => $body, claims => \%claims, %how
    )->{headers}{'Webhook-JWT'};
}

sub is_answered {
    my ($r, $key, $id, $status_code, $name) = @_;
    is($r->status, 200, $name) or return diag $r->head, $r->body;
    is($r->header('Webhook-Key-Id'), $key->{kid}, '... signed by the key of the customer');
    my $claims = decode_json(decode_base64url((split /\./, $r->body)[1]));
    is_deeply([ @{$claims}{qw(evaluationId statusCode)} ], [ $id, $status_code ], '... and what it says is about this question');
    return;
}

sub is_refused {
    my ($r, $name) = @_;
    is($r->status, 401, $name) or diag $r->head, $r->body;
    unlike($r->body, qr/ey/, '... and answered by nothing that is signed');
    return;
}

sub try_refusals {
    my ($language) = @_;
    my $body  = event('e-1', 250);
    my $sent  = signed_by_httpd($body);
    my $now   = int time;
    my $other = (WHK::Keys::pem_and_jwk('p256'))[0];
    is_refused(ask_directly($language, $body, undef), 'no signature');
    is_refused(ask_directly($language, "$body ", $sent), 'a body that was changed');
    is(ask_directly($language, $body, $sent)->status, 200, 'as httpd sent it, it is good');
    is_refused(ask_directly($language, $body, $sent), '... once');
    is_refused(ask_directly($language, $body, signed('ES256', $body, key => $other)), "another's key under this kid");
    is_refused(ask_directly($language, $body, signed('ES256', $body, key => $other, kid => 'other')), '... and under its own');
    is_refused(ask_directly($language, $body, signed('ES256', $body, kid => 'out-EdDSA')), 'an alg that is not that of the key');
    is_refused(ask_directly($language, $body, signed('ES256', $body, protected => { alg => 'none' }, signature => '')), 'alg none');
    is_refused(ask_directly($language, $body, signed('ES256', $body, protected => { typ => 'statement+jwt' })), 'another typ');
    is_refused(ask_directly($language, $body, signed('ES256', $body, protected => { kid => undef })), 'no kid');
    my %claims = (
        'an old one'        => { iat => $now - 400 },
        'one of the future' => { iat => $now + 100, exp => $now + 200 },
        'an expired one'    => { exp => $now - 60 },
        'no exp'            => { exp => undef },
        'no jti'            => { jti => undef },
        'no hash of a body' => { request_body_sha256 => undef },
    );
    is_refused(ask_directly($language, $body, signed('ES256', $body, claims => $claims{$_})), $_) for sort keys %claims;
    is_refused(ask_directly($language, $_, signed('ES256', $_)), "signed, and no question: $_") for '', '[]', '{"amount":1}', '{"evaluationId":17,"amount":1}';
    for my $alg (@algs) {
        is(ask_directly($language, $body, signed($alg, $body))->status, 200, "signed by the platform's key for $alg, it is good");
    }
    return;
}

for my $language (sort keys %file) {
    subtest $language => sub {
        my ($command, $why) = $prepare{$language}->();
        plan skip_all => $why if !$command;
        for my $alg (@algs) {
            my $pid = serve($language, $command, $key{$alg});
            is_answered(ask($language, event("e-$alg", 250), "e-$alg"), $key{$alg}, "e-$alg", 200, "a question, the answer by $alg");
            if ($alg eq $algs[-1]) {
                is_answered(ask($language, event('e-2', 2500), 'e-2'), $key{$alg}, 'e-2', 403, 'another one is declined');
                refused(ask($language, event('e-3', 250), 'e-4'), 502, 'claim_mismatch', 'the answer to another question');
                refused(ask($language, event('e-5', 250), undef), 502, 'claim_mismatch', 'the answer to none');
                try_refusals($language);
            }
            end($pid);
        }
    };
}
done_testing;
