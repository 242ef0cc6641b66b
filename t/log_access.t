# SPDX-License-Identifier: Apache-2.0
# The access log as JSON, %^WK: each line is an object, whatever a client sends, and tells the codes also where httpd made
# redirects and error documents of a request. One id is in the lines of all modules.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use Time::HiRes qw(sleep);
use WHK::Client;
use WHK::Webhooks;

my $pages = tempdir('whk-pages-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $pages;
for my $name ('index.html', 'error.html') {
    open my $out, '>', "$pages/$name" or die $!;
    print $out "page\n";
    close $out;
}
my $w = WHK::Webhooks->new(
    modules => [qw(dir alias env setenvif)], children => 1,
    before  => <<"CONF");
LogLevel warn
ErrorLogFormat "[%t] [%-m:%l] [%L] [client %a] %M"
LogFormat "%^WK" json
LogFormat "%{WHK_CODE}e|%{WEBHOOK_VERDICT}e|%{WEBHOOK_KEY_ID}e|%{WHK_REQUEST_ID}n" plain
CustomLog access.json json
CustomLog access.log plain
SetEnv WHK_CODE mine
SetEnv WEBHOOK_VERDICT mine
SetEnv WEBHOOK_KEY_ID mine
Alias /closed $pages
Alias /page $pages
<Directory "$pages">
    Require all granted
    DirectoryIndex index.html
</Directory>
<Location "/closed">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise acme
    WebhookKeysSignature  jws-detached Webhook-Signature
    Require valid-webhook
</Location>
ErrorDocument 404 /page/error.html
<Location "/dead">
    ProxyPass "http://127.0.0.1:1/"
</Location>
CONF
my $server = $w->server;
my $key    = $w->key('EdDSA');
my $json   = JSON::PP->new->utf8;
my $body   = '{"a":1}';

sub entries {
    my ($count) = @_;
    my @lines;
    for (1 .. 100) {
        open my $in, '<:raw', $server->dir . '/access.json' or die $!;
        @lines = <$in>;
        last if @lines >= $count && $lines[-1] =~ /\n\z/;
        sleep 0.05;
    }
    return @lines;
}
my $seen = entries(1);

# Sent as it is; the entries that it left.
sub entry_of {
    my ($bytes) = @_;
    my $client = WHK::Client->new($server->port);
    $client->send($bytes);
    eval { $client->receive };
    my @all = entries($seen + 1);
    my @new = @all[ $seen .. $#all ];
    $seen = @all;
    is(scalar @new, 1, '... one line') or diag @new;
    my $entry = eval { $json->decode($new[0] // '') };
    ok(ref $entry eq 'HASH', '... of JSON') or diag $new[0];
    unlike($new[0] // '', qr/[^\x20-\x7e\n]/, '... in printable ASCII');
    return $entry // {};
}

my $end = "Connection: close\r\n\r\n";
my %hostile = (
    quotes      => 'a"b\'c', backslashes => 'a\\b\\"\\u0041\\x41', tab => "a\tb", 'controls' => "a\x01\x0b\x0c\x1b[31mb", 'not UTF-8' => "a\xff\xfe\xc3(",
    'UTF-8' => "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80", 'C1' => "\xc2\x85", long => 'x' x 7000, 'an end of JSON' => '"},{"status":200,"code":"',
    'a format' => '%{WHK_CODE}e %n %s', surrogate => "\xed\xa0\x80",
);
for my $name (sort keys %hostile) {
    my $text = $hostile{$name};
    my $shown = $name =~ /not UTF-8|surrogate/ ? $text =~ s/([\x80-\xff])/sprintf '\\x%02x', ord $1/ger : do { my $copy = $text; utf8::decode($copy); $copy };
    my $entry = entry_of("GET /page/index.html HTTP/1.1\r\nHost: localhost\r\nUser-Agent: $text\r\nReferer: $text\r\n$end");
    # httpd itself refuses control characters in a header.
    is($entry->{status} == 200 ? $entry->{userAgent} : $shown, $shown, "$name: User-Agent");
    entry_of("GET /page/$text?$text HTTP/1.1\r\nHost: localhost\r\n$end");
    (my $escaped = $text) =~ s/([^a-z])/sprintf '%%%02x', ord $1/ge;
    entry_of("GET /page/$escaped HTTP/1.1\r\nHost: localhost\r\n$end") if length $escaped < 7000;
    entry_of("G$text / HTTP/1.1\r\n$end");
}

subtest 'what is told' => sub {
    my $r = $w->post($key, $body, headers => { 'User-Agent' => 'a sender' });
    is($r->status, 200, 'a webhook');
    my $entry = $json->decode((entries($seen + 1))[-1]);
    $seen++;
    is_deeply({ map { $_ => $entry->{$_} } qw(client host method target protocol status user userAgent verdict enterprise claimedKeyId verifiedEnterprise verifiedKeyId code) },
        { client => '127.0.0.1', host => 'localhost', method => 'POST', target => '/hooks/acme/orders?id=1', protocol => 'HTTP/1.1', status => 200, user => $key->{kid},
          userAgent => 'a sender', verdict => 'ok', enterprise => 'acme', claimedKeyId => $key->{kid}, verifiedEnterprise => 'acme', verifiedKeyId => $key->{kid}, code => undef }, 'that passes') or diag explain $entry;
    like($entry->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, '... when');
    cmp_ok($entry->{durationUs}, '>', 0, '... and how long it took');
    like($entry->{requestId}, qr/^\w{8,}$/, '... under which id');
};

subtest 'redirects, subrequests and error documents' => sub {
    for my $case ([ '/closed/', $body, 200, undef, 'ok' ], [ '/closed/', '{}', 401, 'bad_signature', 'bad_signature' ], [ '/closed/none', '', 404, undef, 'ok' ]) {
        my ($path, $sent, $status, $code, $verdict) = @{$case};
        my $signed = $w->sign($key, $sent eq '{}' ? $body : $sent, path => $path, method => 'GET');
        my $r = $w->send($signed, sent => $sent);
        is($r->status, $status, "$path: $status");
        my $line  = (entries($seen + 1))[-1];
        my $entry = $json->decode($line);
        $seen++;
        is($entry->{status}, $status, '... in the log');
        is($entry->{code}, $code, '... its code');
        is($entry->{verdict}, $verdict, '... and verdict');
        is($entry->{requestId}, $r->json->{requestId}, '... under the id of the answer') if $code;
        is($entry->{verifiedKeyId}, $status == 401 ? undef : $key->{kid}, '... and who signed, if anybody');
    }
    $w->client->request(GET => '/page/none');
    is($json->decode((entries($seen + 1))[-1])->{code}, undef, 'a SetEnv of that name tells nothing');
    $seen++;
    open my $in, '<', $server->dir . '/access.log' or die $!;
    is(scalar(grep { /mine/ } <$in>), 0, '... in other formats either');
};

subtest 'one id for all modules' => sub {
    my $from = length $server->error_log;
    is($w->client->request(GET => '/dead/x')->status, 503, 'a backend that is not there');
    my $entry = $json->decode((entries($seen + 1))[-1]);
    $seen++;
    like(substr($server->error_log, $from), qr/\[proxy\S*:error\] \[\Q$entry->{requestId}\E\]/, 'mod_proxy logs it under the requestId') or diag substr($server->error_log, $from);
    $from = length $server->error_log;
    my $r = $w->post($key, $body, sent => '{}');
    like(substr($server->error_log, $from), qr/\[webhook_keys:warn\] \[\Q@{[ $r->json->{requestId} ]}\E\] .*WHK0391/, '... and so do we');
};
done_testing;
