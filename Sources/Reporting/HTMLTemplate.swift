// SPDX-License-Identifier: Apache-2.0

/// The template of the HTML report (Mustache). Its pragma has every value escaped for HTML.
enum HTMLTemplate {
  static let text = """
    {{% CONTENT_TYPE:CROSSBAR}}<!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <meta name="color-scheme" content="light dark">
    <title>{{title}}: {{verdict}}</title>
    <style>\(style)</style>
    </head>
    <body>
    <h1>{{title}} <span class="badge {{verdictClass}}">{{verdict}}</span></h1>
    <p>{{summary}}</p>
    <p><strong>{{counts}}</strong></p>
    <p class="dim">{{total}}{{#timings}} · {{name}} {{value}}{{/timings}}</p>
    {{#hasFindings}}<h2>What to look at</h2>
    {{#findings}}<section class="finding {{kind}}">
    <h3>{{title}}</h3>
    <p>{{text}}</p>
    <dl>{{#accounts}}<dt>{{name}}</dt><dd>{{value}}</dd>{{/accounts}}</dl>
    </section>
    {{/findings}}{{/hasFindings}}
    {{#sanitizers}}<section class="finding {{kind}}">
    <p>{{sentence}}</p>
    <dl>{{#remarks}}<dt>{{name}}</dt><dd>{{value}}</dd>{{/remarks}}</dl>
    </section>
    {{/sanitizers}}
    {{#plot}}<h2>Time by size</h2>
    <figure>
    <svg viewBox="0 0 720 300" role="img" aria-label="time of both paths by size, logarithmic">
    {{#sizes}}<line class="grid" x1="{{position}}" x2="{{position}}" y1="12" y2="262"/>
    <text x="{{position}}" y="280" text-anchor="middle">{{label}}</text>
    {{/sizes}}{{#times}}<line class="grid" x1="64" x2="704" y1="{{position}}" y2="{{position}}"/>
    <text x="58" y="{{position}}" dy="4" text-anchor="end">{{label}}</text>
    {{/times}}{{#fallback}}<circle class="fallback" cx="{{x}}" cy="{{y}}" r="4">
    <title>{{label}}</title></circle>
    {{/fallback}}{{#direct}}<circle class="direct" cx="{{x}}" cy="{{y}}" r="4">
    <title>{{label}}</title></circle>
    {{/direct}}</svg>
    <figcaption><span class="key direct">●</span> direct, peer to peer
    <span class="key fallback">●</span> fallback, through the page cache</figcaption>
    </figure>
    {{/plot}}
    {{#groups}}<h2>{{title}} <span class="dim">{{route}}</span></h2>
    <table>
    <thead><tr><th>case</th><th class="n">bytes</th><th class="n">direct</th>
    <th class="n">fallback</th><th class="n">ratio</th><th class="bars">times (log)</th>
    <th>direct path moved</th><th>outcome</th></tr></thead>
    <tbody>
    {{#rows}}<tr><td>{{name}}</td><td class="n">{{bytes}}</td><td class="n">{{direct}}</td>
    <td class="n">{{fallback}}</td><td class="n">{{ratio}}</td>
    <td class="bars"><svg width="120" height="12" role="img"
    aria-label="direct {{direct}}, fallback {{fallback}}">
    <rect class="direct" width="{{directBar}}" height="5"/>
    <rect class="fallback" y="6" width="{{fallbackBar}}" height="5"/></svg></td>
    <td>{{path}}</td>\(HTMLVerdict.cell)</tr>
    {{/rows}}</tbody>
    </table>
    {{/groups}}
    {{#gpuGroups}}<h2>{{title}}</h2>
    <table>
    <thead><tr><th>case</th><th class="n">commands</th><th class="n">faults</th>
    <th class="n">aborts</th><th class="n">doorbells</th><th class="n">interrupts</th>
    <th class="n">invalidations</th><th>bytes by port</th><th>outcome</th></tr></thead>
    <tbody>
    {{#rows}}<tr><td>{{name}}</td><td class="n">{{commands}}</td><td class="n">{{faults}}</td>
    <td class="n">{{aborts}}</td><td class="n">{{doorbells}}</td><td class="n">{{interrupts}}</td>
    <td class="n">{{invalidations}}</td><td>{{moved}}</td>\(HTMLVerdict.cell)</tr>
    {{/rows}}</tbody>
    </table>
    {{/gpuGroups}}
    {{#hasDeviceMap}}<h2>Paths of file data</h2>
    <dl>{{#deviceMapTotals}}<dt>{{name}}</dt><dd>{{value}}</dd>{{/deviceMapTotals}}</dl>
    {{/hasDeviceMap}}
    {{#hasPowerCuts}}<h2>Power cuts</h2>
    <dl>{{#powerCuts}}<dt>{{name}}</dt><dd>{{value}}</dd>{{/powerCuts}}</dl>
    {{/hasPowerCuts}}
    {{#deviceMapGroups}}<h2>{{title}} <span class="dim">{{route}}</span></h2>
    <table>
    <thead><tr><th>case</th><th>path</th><th class="n">pages direct</th>
    <th class="n">fallback</th><th class="n">refused</th><th>GPU: bytes by port</th>
    <th>QEMU: controllers</th><th class="n">commands</th><th class="n">faults</th>
    <th>outcome</th></tr></thead>
    <tbody>
    {{#rows}}<tr><td>{{name}}</td><td class="path {{path}}">{{path}}</td><td class="n">{{direct}}</td>
    <td class="n">{{fallback}}</td><td class="n">{{refusals}}</td><td>{{moved}}</td>
    <td>{{controllers}}</td><td class="n">{{commands}}</td><td class="n">{{faults}}</td>
    \(HTMLVerdict.cell)</tr>
    {{/rows}}</tbody>
    </table>
    {{/deviceMapGroups}}
    {{#foreignGroups}}<h2>{{title}}</h2>
    <table>
    <thead><tr><th>case</th><th class="n">time</th><th>outcome</th></tr></thead>
    <tbody>
    {{#rows}}<tr><td>{{name}}</td><td class="n">{{time}}</td>\(HTMLVerdict.cell)</tr>
    {{/rows}}</tbody>
    </table>
    {{/foreignGroups}}
    {{#hasBootRetries}}<h2>Boots that hung</h2>
    <dl>{{#bootRetries}}<dt>{{name}}</dt><dd>{{value}}</dd>{{/bootRetries}}</dl>
    {{/hasBootRetries}}
    {{#hasConsole}}<h2>Console</h2>
    <dl>{{#console}}<dt>{{name}}</dt><dd><code>{{value}}</code></dd>{{/console}}</dl>
    {{/hasConsole}}
    <h2>Where it ran</h2>
    <dl>{{#machine}}<dt>{{name}}</dt><dd>{{value}}</dd>{{/machine}}</dl>
    {{#hasLogs}}<p>Logs: {{#logs}}<a href="{{path}}">{{path}}</a> {{/logs}}</p>{{/hasLogs}}
    </body>
    </html>

    """

  private static let style = """
    :root { color-scheme: light dark;
      --good: light-dark(#1a7f37, #4ac26b); --bad: light-dark(#cf222e, #ff7b72);
      --warn: light-dark(#9a6700, #d4a72c); --direct: light-dark(#0969da, #58a6ff);
      --fallback: light-dark(#9aa4af, #6e7681); --line: light-dark(#d0d7de, #30363d);
      --page: light-dark(#ffffff, #0d1117); --ink: light-dark(#1f2328, #e6edf3); }
    body { font: 15px/1.5 system-ui, sans-serif; background: var(--page); color: var(--ink);
      margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
    h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } h3 { margin: 0; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line);
      vertical-align: top; overflow-wrap: anywhere; }
    td.n, th.n { text-align: right; white-space: nowrap; } .dim { opacity: .7; font-weight: 400; }
    td.verified, td.refusedFellBack { color: var(--good); } td.failed { color: var(--bad); }
    td.knownLimit { color: var(--warn); } td.skipped { opacity: .7; }
    td.path.direct { color: var(--direct); } td.path.fallback { opacity: .7; }
    details { color: var(--ink); font-size: .9em; } summary { cursor: pointer; }
    .badge { font-size: .65em; padding: .15em .6em; border: 1px solid; border-radius: 1em;
      vertical-align: middle; }
    .badge.verified { color: var(--good); } .badge.failed { color: var(--bad); }
    .badge.knownLimit { color: var(--warn); }
    .finding { border-left: 4px solid var(--line); padding: .2rem 1rem; margin: 1rem 0; }
    .finding.failed { border-color: var(--bad); } .finding.knownLimit { border-color: var(--warn); }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
    dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
    figure { margin: 0; } figure svg { width: 100%; max-width: 54rem; }
    svg text { font-size: 11px; fill: currentColor; } .grid { stroke: var(--line); }
    rect.direct, circle.direct { fill: var(--direct); } .key.direct { color: var(--direct); }
    rect.fallback, circle.fallback { fill: var(--fallback); } circle { fill-opacity: .75; }
    .key.fallback { color: var(--fallback); }
    @media print { body { margin: 0; max-width: none; font-size: 11px; } :root { color-scheme: light; }
      tr, .finding, figure { break-inside: avoid; } thead { display: table-header-group; } }
    """
}
