# SPDX-License-Identifier: Apache-2.0
# conf/examples/notify-*: a mail, and a webhook that is signed on its way.
use strict;
use warnings;
use utf8;
use Test::More;
use Encode qw(decode encode_utf8);
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Signing;
use WHK::Server;

my $examples = "$WHK::Server::root/conf/examples";
my $dir      = tempdir('whk-notify-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub within { my ($seconds, $test) = @_; my $end = time + $seconds; until ($test->()) { return 0 if time > $end; sleep 0.1 } return 1 }

subtest 'a mail' => sub {
    open my $out, '>', "$dir/sendmail" or die "sendmail: $!";
    print $out "#!/bin/sh\necho \"\$@\" > $dir/arguments\ncat > $dir/mail\n";
    close $out;
    chmod 0755, "$dir/sendmail";
    local $ENV{SENDMAIL} = "$dir/sendmail";
    for my $name ('my-key-v2', "-x\$(id)`id`'\"", "Schlüssel \x{1f511} =?UTF-8?Q?x?=", 'x' x 255, "\x{1f511}" x 255) {
        open my $run, '|-', "$examples/notify-mail.sh", 'ops@example.com', 'registered', 'acme', encode_utf8($name) or die "notify-mail.sh: $!";
        print $run encode_utf8("{\"keyId\":\"$name\"}\n");
        ok(close $run, 'sent');
        open my $in, '<:raw', "$dir/mail" or die "mail: $!";
        my ($head, $body) = split /\n\n/, do { local $/; <$in> }, 2;
        my @fields = map { /^([\w-]+): / ? $1 : "no field: $_" } split /\n/, $head;
        is("@fields", 'To Subject MIME-Version Content-Type Content-Transfer-Encoding Auto-Submitted', 'its header') or diag $head;
        my $shown = encode_utf8($name) =~ s{[^A-Za-z0-9 :._@/-]}{?}gr;
        is(($head =~ /^Subject: (.*)$/m)[0], substr("webhook keys: registered acme $shown", 0, 200), 'its subject');
        is(scalar(grep { length > 200 + length 'Subject: ' } split /\n/, "$head\n$body"), 0, 'no line is too long');
        is(decode('UTF-8', decode_base64($body)), "{\"keyId\":\"$name\"}\n", 'the event');
    }
    open my $in, '<', "$dir/arguments" or die "arguments: $!";
    is(<$in>, "-t -oi\n", 'sendmail is given no name');
};

subtest 'a webhook' => sub {
    my $s    = WHK::Signing->new(algs => ['EdDSA']);
    my $url  = 'http://127.0.0.1:' . $s->port;
    my ($status, $out, $err) = WHK::Server::run_command('sh', '-c', "echo '{\"event\":\"registered\",\"enterprise\":\"acme\",\"keyId\":\"k\"}' | $examples/notify-webhook.sh $url/out/jws-detached registered acme k");
    is($status, 0, 'posted, signed by httpd, verified by httpd, and taken') or diag $err;
    my ($request) = grep { $_->{body} =~ /"keyId":"k"/ } $s->backend->requests;
    ok($request, 'it is there');
    is(JSON::PP->new->utf8->decode($request->{body})->{event}, 'registered', '... the event');
    ($status) = WHK::Server::run_command('sh', '-c', "echo '{}' | $examples/notify-webhook.sh $url/none registered acme k");
    isnt($status, 0, 'what is not taken is tried again');
    my $moved = WHK::Server->new(sqlite => 1, modules => ['alias'], before => 'Redirect 301 /moved http://127.0.0.1/');
    ($status, undef, $err) = WHK::Server::run_command('sh', '-c', "echo '{}' | $examples/notify-webhook.sh http://127.0.0.1:@{[$moved->port]}/moved registered acme k");
    isnt($status, 0, 'so is what is sent elsewhere');
    like($err, qr/answered with 301/, '... which the log says');
};

done_testing;
