# SPDX-License-Identifier: Apache-2.0
# However httpd gets to a location that verifies webhooks, its handler reads the bytes that the enterprise's key signed, or
# does not run: each way there, by HTTP/1.1 and HTTP/2, with and without a body, signed right and wrong.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use WHK::Backend;
use WHK::Sender;
use WHK::Webhooks;

my $pages = tempdir('whk-pages-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $pages;

sub page {
    my ($path, $text) = @_;
    my ($folder) = $path =~ m{^(.*)/};
    mkdir "$pages/$folder";
    open my $out, '>', "$pages/$path" or die "$path: $!";
    print $out $text;
    close $out;
    chmod 0755, "$pages/$path";
    return;
}

my $settings = <<'SETTINGS';
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise acme
    WebhookKeysSignature  jws-detached Webhook-Signature
    Require valid-webhook
SETTINGS

# For each way: a name, the path that is asked for, what comes of a webhook that is signed right (it arrives; it does where
# it has no body, `bare`; either; never; or its first handler has read it and it goes on without, `emptied`), and the lines of its folder of pages, which is open to everybody, or closed to all
# but webhooks.
my @ways = (
    [ 'no detour', '/hooks/direct', 'arrives', '' ],

    [ 'DirectoryIndex to a proxy',           '/index-proxy/',    'arrives', 'DirectoryIndex /hooks/index' ],
    [ 'DirectoryIndex to a file',            '/index-file/',     'arrives', "DirectoryIndex hook.cgi" ],
    [ 'DirectoryIndex, the second of two',   '/index-second/',   'arrives', 'DirectoryIndex nothing.html /hooks/index' ],
    [ 'DirectoryIndex of a closed folder',   '/index-closed/',   'arrives', 'DirectoryIndex /open/index', 'closed' ],
    [ 'DirectoryIndex from closed to closed', '/index-twice/',   'arrives', 'DirectoryIndex /hooks/index', 'closed' ],
    [ 'FallbackResource to a proxy',         '/fallback/none',   'arrives', 'FallbackResource /hooks/fallback' ],
    [ 'FallbackResource to a file',          '/fallback-file/none', 'arrives', 'FallbackResource /fallback-file/hook.cgi' ],
    [ 'FallbackResource of a closed folder', '/fallback-closed/none', 'arrives', 'FallbackResource /open/fallback', 'closed' ],

    [ 'MultiViews to a file',                '/views/hook',      'arrives', 'Options +MultiViews' ],
    [ 'MultiViews of a closed folder',       '/views-closed/open', 'arrives', 'Options +MultiViews', 'closed' ],
    [ 'a type map to a file',                '/map/map.var',     'arrives', 'AddHandler type-map .var' ],
    [ 'a type map out of its folder',        '/map-proxy/map.var', 'arrives', 'AddHandler type-map .var' ],

    [ 'mod_rewrite [PT]',                    '/rewrite-pt/x',    'arrives', '' ],
    [ 'mod_rewrite in a folder',             '/rewrite-folder/x', 'arrives', 'RewriteRule . /hooks/rewritten [L]' ],
    [ 'mod_rewrite in a folder [PT]',        '/rewrite-folder-pt/x', 'arrives', 'RewriteRule . /hooks/rewritten [PT,L]' ],
    [ 'mod_rewrite in a closed folder',      '/rewrite-closed/x', 'arrives', 'RewriteRule . /open/rewritten [L]', 'closed' ],
    [ 'mod_rewrite in a closed folder to another one', '/rewrite-twice/x', 'arrives', 'RewriteRule . /hooks/rewritten [L]', 'closed' ],
    [ 'mod_rewrite in a closed folder [P]',  '/rewrite-p/x',     'arrives', 'RewriteRule . ${WHK_BACKEND}/rewritten [P,L]', 'closed' ],
    [ 'mod_rewrite [P] of a closed location', '/rewrite-closed-p/x', 'arrives', '' ],
    [ 'mod_rewrite, its condition looks up', '/rewrite-look/x',  'arrives', "RewriteCond %{LA-U:SCRIPT_FILENAME} .\n    RewriteRule . /hooks/rewritten [L]", 'closed' ],

    [ 'Action to a proxy',                   '/action/x',        'arrives', "SetHandler hook-handler\n    Action hook-handler /hooks/action virtual" ],
    [ 'Action to a file',                    '/action-file/x',   'arrives', "SetHandler hook-handler\n    Action hook-handler /index-file/hook.cgi virtual" ],
    [ 'Action of a closed folder',           '/action-closed/x', 'arrives', "SetHandler hook-handler\n    Action hook-handler /open/action virtual", 'closed' ],
    [ 'Script',                              '/script/x',        'either', "Script POST /hooks/script" ],

    [ 'mod_include',                         '/include/page.shtml', 'bare', 'SetOutputFilter INCLUDES' ],
    [ 'mod_include in a closed folder',      '/include-closed/page.shtml', 'bare', 'SetOutputFilter INCLUDES', 'closed' ],
    [ 'mod_include of a page that CGI made', '/include-cgi/open.cgi', 'bare', "SetOutputFilter INCLUDES" ],
    [ 'mod_include with a kept body',        '/include-kept/page.shtml', 'bare', "SetOutputFilter INCLUDES\n    KeptBodySize 1000000" ],

    [ 'mod_speling',                         '/speling/hooc.cgi', 'never', 'CheckSpelling On' ],
    [ 'mod_speling in a closed folder',      '/speling-closed/opne.cgi', 'never', 'CheckSpelling On', 'closed' ],

    [ 'ErrorDocument',                       '/error/none',      'either', 'ErrorDocument 404 /hooks/error' ],
    [ 'ErrorDocument, a file',               '/error-file/none', 'either', 'ErrorDocument 404 /error-file/hook.cgi' ],
    [ 'ErrorDocument of a closed folder',    '/error-closed/none', 'emptied', "ErrorDocument 401 /open/error\n    ErrorDocument 404 /open/error", 'closed' ],
    [ 'ErrorDocument from closed to closed', '/error-twice/none', 'either', "ErrorDocument 401 /hooks/error\n    ErrorDocument 404 /hooks/error", 'closed' ],

    [ 'Location: of CGI to a proxy',         '/cgi/hooks.cgi',   'bare', '' ],
    [ 'Location: of CGI to a file',          '/cgi/file.cgi',    'bare', '' ],
    [ 'Location: of CGI in a closed folder', '/cgi-closed/open.cgi', 'emptied', '', 'closed' ],

    [ 'a file below its name',               '/index-file/hook.cgi/more', 'arrives', '' ],
    [ 'an alias of a closed folder',         '/index-closed/open.cgi', 'arrives', '' ],
);
my %folders = map { my ($folder) = $_->[1] =~ m{^/([^/]+)/}; ($folder => { lines => $_->[3], closed => defined $_->[4] }) } grep { $_->[3] ne '' || defined $_->[4] } @ways;
$folders{cgi} = { lines => '', closed => 0 };
$folders{'cgi-closed'}{lines} //= '';

my $w = WHK::Webhooks->new(
    modules => [qw(http2 alias dir mime negotiation actions cgid include speling request autoindex)],
    mpm     => 'event',
    hooks   => do {
        my $conf = <<"HOOKS";
Protocols h2c http/1.1
TypesConfig /dev/null
ScriptSock "$pages/cgid.sock"
RewriteEngine On
RewriteRule "^/rewrite-pt" "/pt/x" [PT]
RewriteRule "^/rewrite-closed-p" "\${WHK_BACKEND}/closed-p" [P]
<Location "/hooks">
$settings
    ProxyPass "\${WHK_BACKEND}"
</Location>
<Location "/rewrite-closed-p">
$settings
</Location>
ProxyPass "/pt" "\${WHK_BACKEND}/pt"
<Location "/pt">
$settings
</Location>
<Location "/open">
    ProxyPass "\${WHK_BACKEND}"
</Location>
HOOKS
        for my $name (sort keys %folders) {
            my $rewrite = $folders{$name}{lines} =~ /Rewrite/ ? 'RewriteEngine On' : '';
            my $closed  = $folders{$name}{closed} ? $settings : 'Require all granted';
            $conf .= <<"FOLDER";
Alias "/$name/" "$pages/$name/"
<Directory "$pages/$name">
    Options +ExecCGI +Includes +FollowSymLinks
    AddHandler cgi-script .cgi
    MultiviewsMatch Handlers
    $rewrite
    $closed
    $folders{$name}{lines}
    <Files "hook.cgi">
$settings
    </Files>
</Directory>
FOLDER
        }
        $conf;
    },
);
my $backend = $w->backend;
for my $name (keys %folders) {
    page("$name/x", "nothing\n");
    page("$name/page.shtml", qq(<!--#include virtual="/hooks/included" -->\n<!--#include virtual="/index-file/hook.cgi" -->\n));
    $backend->write_cgi("$pages/$name/$_") for qw(hook.cgi open.cgi);
}
page('map/map.var', "URI: hook.cgi\nContent-type: text/plain\n");
page('map-proxy/map.var', "URI: ../hooks/mapped\nContent-type: text/plain\n");
page('include-cgi/open.cgi', qq(#!/bin/sh\ncat > /dev/null\nprintf 'Content-Type: text/html\\r\\n\\r\\n<!--#include virtual="/hooks/included" -->'\n));
page("cgi/$_->[0].cgi", "#!/bin/sh\nprintf 'Location: $_->[1]\\r\\n\\r\\n'\n") for [ hooks => '/hooks/from-cgi' ], [ file => '/index-file/hook.cgi' ];
page('cgi-closed/open.cgi', "#!/bin/sh\ncat > /dev/null; printf 'Location: /open/from-cgi\\r\\n\\r\\n'\n");

my $key   = $w->key('ES256', kid => 'the-key');
my $other = $w->key('ES256', kid => 'other', enterprise => 'globex');
my $body  = join '', map { chr } reverse 0 .. 255;
my %forged = (
    'Webhook-Key-Id' => 'forged', 'Webhook_Key_Id' => 'forged', 'webhook.key.id' => 'forged', 'Webhook-Enterprise' => [ 'for', 'ged' ], 'WEBHOOK_ENTERPRISE' => 'forged',
    'Webhook-Alg' => 'none', 'Webhook-Signed-At' => 'forged',
);

# What is sent, and what the signature is over: undef, where nothing at all may arrive.
sub signatures {
    my $sent = shift;
    my @all = (
        [ 'right',                     $w->sign($key, $sent),         $sent ],
        [ 'over another body',         $w->sign($key, "$sent "),      "$sent " ],
        [ 'of another enterprise',     $w->sign($other, $sent),       undef ],
        [ 'missing',                   { headers => {} },             undef ],
    );
    push @all, [ 'over an empty body', $w->sign($key, ''), '' ] if length $sent;
    return @all;
}
my %signed = map { $_ => [ signatures($_ eq 'none' ? '' : $body) ] } qw(none length chunked);

# Headers that say who signed are ours, each once, whatever was sent.
sub is_ours {
    my ($got, $is_emptied) = @_;
    my $identity = WHK::Backend::identity($got);
    my %flat = map { $_ => join '|', @{ $identity->{$_} } } keys %$identity;
    # What its signer signed is gone.
    return %flat ? join ', ', %flat : undef if $is_emptied;
    return "enterprise $flat{'webhook-enterprise'}"  if ($flat{'webhook-enterprise'} // 'unknown') ne 'acme';
    return "key $flat{'webhook-key-id'}"             if ($flat{'webhook-key-id'}     // 'unknown') ne 'the-key';
    return "alg $flat{'webhook-alg'}"                if ($flat{'webhook-alg'}        // 'unknown') ne 'ES256';
    return "signed at $flat{'webhook-signed-at'}"    if ($flat{'webhook-signed-at'}  // 'unknown') !~ /^\d{4}-\d\d-\d\dT[\d:.]+Z\z/;
    return undef;
}

my %came;
for my $way (@ways) {
    my ($name, $target, $right) = @$way;
    subtest $name => sub {
        for my $protocol ('HTTP/1.1', 'HTTP/2') {
            my $sender = WHK::Sender->new($w->server->port);
            for my $framing (qw(none length chunked)) {
                for my $case (@{ $signed{$framing} }) {
                    my ($how, $signed, $bytes) = @$case;
                    # Whose signature it is, or whether there is one, is not the framing's matter.
                    next if !defined $bytes && ($protocol eq 'HTTP/2' || $framing eq 'chunked');
                    $backend->clear;
                    my $r = $sender->send(
                        protocol => $protocol, framing => $framing, method => $framing eq 'none' ? 'GET' : 'POST', target => $target,
                        headers  => { %forged, %{ $signed->{headers} } }, body => $framing eq 'none' ? '' : $body
                    );
                    my @arrived = $backend->requests;
                    my $sent    = "$protocol, body: $framing, signature $how: " . $r->status;
                    my @flaws   = map {
                        my $got = $_;
                        my $who = is_ours($got, $right eq 'emptied' && $got->{body} eq '' && ($bytes // '') ne '');
                        (
                            !defined $bytes       ? 'what nobody signed arrived'
                            : $got->{body} ne $bytes && !($right eq 'emptied' && $got->{body} eq '') ? length($got->{body}) . ' bytes arrived that are not those that were signed'
                            :                       (),
                            defined $who ? "the backend believes: $who" : ()
                        )
                    } @arrived;
                    push @flaws, 'it arrived ' . @arrived . ' times, though its signature is not over this body' if @arrived && $how ne 'right';
                    push @flaws, 'it did not arrive' if !@arrived && $how eq 'right' && $right eq 'arrives';
                    push @flaws, 'it did not arrive' if !@arrived && $how eq 'right' && $right eq 'bare' && $framing eq 'none';
                    push @flaws, 'it arrived, though httpd takes its body away' if @arrived && $right eq 'bare' && $framing ne 'none';
                    push @flaws, 'it arrived' if @arrived && $right eq 'never';
                    # curl (HTTP/2) may take it ill when an answer comes before its body was sent, whoever answers.
                    push @flaws, 'no answer' if !$r->status && $r->body !~ /^curl ended with 92/;
                    ok(!@flaws, $sent) or diag "$name, $target: ", join("\n", @flaws), "\n", $r->head, $r->body =~ /\A[[:print:]\s]{0,400}\z/ ? $r->body : '';
                    $came{$name}{"$protocol $framing"} = @arrived ? 'arrives' : $r->status if $how eq 'right';
                }
            }
        }
    };
}
for my $way (@ways) { note sprintf '%-45s %s', $way->[0], join ' ', map { $came{ $way->[0] }{$_} } sort keys %{ $came{ $way->[0] } } }
unlike($w->server->error_log, qr/exit signal|Segmentation|Assertion/, 'no child ended badly');

done_testing;
