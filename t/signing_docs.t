# SPDX-License-Identifier: Apache-2.0
# The programs of docs/signing.md, as they stand there: what each prints gets its body through, and no other body.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64url decode_base64url);
use WHK::Answers qw(refused);
use WHK::Server;
use WHK::Webhooks;

my %runtime = (
    shell => { file => 'sign.sh', command => ['sh'],            version => [qw(sh -c true)] },
    python => { file => 'sign.py', command => ['python3'],      version => [qw(python3 --version)] },
    node   => { file => 'sign.js', command => ['node'],         version => [qw(node --version)] },
    go     => { file => 'sign.go', command => [ 'go', 'run' ],  version => [qw(go version)] },
);
my %code = (
    'jws' => 'bad_signature', 'jws-detached' => 'bad_signature', 'jwt' => 'digest_mismatch', 'http-signature' => 'digest_mismatch',
    'standard-webhooks' => 'bad_signature',
);
my @bodies = (qq({"order":17,\n "note":"gr\xc3\xbc\xc3\x9fe"}\n), join('', map { chr } 0 .. 255));
my $dir    = tempdir('whk-docs-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my (%webhooks, %keys, %seen);
my $programs = 0;

# What go run compiles into.
local $ENV{GOCACHE} = $ENV{GOCACHE} // "$dir/go";

sub is_here {
    my $runtime = shift;
    return $runtime->{here} //= (eval { (WHK::Server::run_command(@{ $runtime->{version} }))[0] } // 1) == 0 ? 'yes' : '';
}

sub write_file {
    my ($name, $bytes) = @_;
    open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!";
    print $out $bytes;
    close $out;
    return "$dir/$name";
}

# Header lines, and where a program prints it an empty line and the body.
sub read_output {
    my ($output, $body) = @_;
    my ($head, $printed) = split /\n\n/, $output, 2;
    my %headers = map { /^([^:\s]+): (.*)$/ ? ($1 => $2) : die "no header: $_\n" } split /\n/, $head;
    return { method => 'POST', headers => \%headers, body => $printed // $body };
}

sub changed {
    my ($scheme, $body) = @_;
    return "$body " if $scheme ne 'jws';
    my ($header, $payload, $signature) = split /\./, $body;
    return join '.', $header, encode_base64url(decode_base64url($payload) . ' '), $signature;
}

sub try_body {
    my ($runtime, $program, $w, $scheme, $key, $body) = @_;
    my $authority = '127.0.0.1:' . $w->server->port;
    for my $target ('/hooks/acme', '/hooks/acme/orders?id=1&x=%20') {
        my ($status, $output, $error) = WHK::Server::run_command(
            @{ $runtime->{command} }, $program, $key->{pem}, $key->{kid}, write_file('body', $body), "http://$authority$target"
        );
        is($status, 0, 'the program runs') or return diag $error;
        is($error, '', '... without complaint');
        my $signed = read_output($output, $body);
        $signed->{target} = $target;
        $signed->{headers}{Host} = $authority;
        $w->backend->clear;
        my $r = $w->send($signed);
        is($r->status, 200, '... what it prints is good') or diag $output, $r->body;
        ok($w->backend->count == 1 && $w->backend->last->{body} eq $signed->{body}, '... the backend has the body as it was sent');
        refused($w->send($signed, sent => changed($scheme, $signed->{body})), 401, $code{$scheme}, '... for another body it is not');
        is($w->backend->count, 1, '... the backend has not seen that one');
    }
    return;
}

open my $in, '<:raw', "$WHK::Server::root/docs/signing.md" or die "docs/signing.md: $!";
my $text = do { local $/; <$in> };
while ($text =~ /^<!-- run: (\w+) (\S+) (.+?) -->\n```\w+\n(.*?)^```$/msg) {
    my ($language, $scheme, $algs, $source) = ($1, $2, $3, $4);
    my $runtime = $runtime{$language};
    $seen{$scheme}{$language} = 1;
    $programs++;
    subtest "$scheme in $language" => sub {
        plan skip_all => "$runtime->{command}[0] is not here" if !is_here($runtime);
        my $program = write_file($runtime->{file}, $source);
        my $w = $webhooks{$scheme} //= WHK::Webhooks->new(example => $scheme);
        for my $alg (split ' ', $algs) {
            my $key = $keys{"$scheme $alg"} //= $w->key($alg);
            my $number = 0;
            for my $body (@bodies) {
                subtest "$alg, body " . ++$number => sub { try_body($runtime, $program, $w, $scheme, $key, $body) };
            }
        }
    };
}
my $marks = () = $text =~ /^<!-- run:/mg;
is($programs, $marks, 'each program that is marked was found');
is_deeply([ sort keys %seen ], [ sort keys %code ], '... for each scheme');
is_deeply([ sort keys %{ $seen{'jws-detached'} } ], [qw(go node python shell)], '... and jws-detached in each language');
done_testing;
