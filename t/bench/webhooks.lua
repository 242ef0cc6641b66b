-- SPDX-License-Identifier: Apache-2.0
-- For wrk: posts the webhooks of a file, `<JWS> <body>` a line, in turn. With ENTERPRISES the lines are
-- `<enterprise> <JWS>`, one request each.
local lines = {}
local next_line = 0

function init(args)
    for line in io.lines(os.getenv("WEBHOOKS")) do
        local first, second = line:match("^(%S+) (%S+)$")
        if os.getenv("ENTERPRISES") then
            lines[#lines + 1] = wrk.format("POST", "/hooks/" .. first, { ["Webhook-Signature"] = second }, "x")
        else
            lines[#lines + 1] = wrk.format("POST", nil, { ["Webhook-Signature"] = first }, second)
        end
    end
end

function request()
    next_line = next_line % #lines + 1
    return lines[next_line]
end

function done(summary)
    if summary.errors.status > 0 and not os.getenv("ENTERPRISES") then
        io.stderr:write(summary.errors.status .. " webhooks were refused\n")
        os.exit(1)
    end
end
