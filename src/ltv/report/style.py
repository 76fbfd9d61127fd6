"""The style of the report: for screens in light and dark, narrow and wide, and for paper.

The blue is of the palette of Okabe and Ito, which all eyes tell apart; what a colour says is also
said by a place or a number. A text has at least 4.5 times the contrast of its ground.
"""

STYLE = """
:root{color-scheme:light dark;--paper:#fcfbf9;--card:#fff;--ink:#1d1c1a;--soft:#5d5a54;
--rule:#e2ded6;--strong:#8d897f;--bar:#0072b2;--mark:#b84a00;--gap:#d9d4ca;
--up:#00694b;--down:#a8320a;--h0:#f4f8fb;--h1:#dbe9f4;--h2:#b9d5ea;--h3:#8fbcdc;--h4:#2a74a8;--h5:#0b4f80;--on:#1d1c1a;--over:#fff}
@media screen and (prefers-color-scheme:dark){:root{--paper:#131517;--card:#1b1e21;--ink:#eceae6;
--soft:#aba8a1;--rule:#30343a;--strong:#777b82;--bar:#56b4e9;--mark:#f0a35e;--gap:#3a3f46;
--up:#4fc79b;--down:#f39b76;--h0:#1c252d;--h1:#1d3345;--h2:#1f435f;--h3:#225579;--h4:#79bfe8;--h5:#b4dcf5;--on:#eceae6;
--over:#10202c}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:1rem/1.6 -apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",
Arial,sans-serif;
font-variant-numeric:tabular-nums lining-nums}
header,main,footer{max-width:72rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2rem}
h1,h2{font-family:"Iowan Old Style","Palatino Linotype",Palatino,Charter,Georgia,
"Liberation Serif",serif;
font-weight:600;line-height:1.15;letter-spacing:-.01em;text-wrap:balance}
h1{font-size:clamp(1.6rem,4vw,2.4rem);margin:.25rem 0 .6rem}
h2{font-size:clamp(1.35rem,3.5vw,1.7rem);margin:0 0 .5rem}
h3{font-size:1rem;font-weight:650;margin:2.25rem 0 .2rem}
p{margin:0 0 1rem;max-width:44rem}header p,#top~p,#numbers~p{max-width:60rem}
#top~p{margin-bottom:.6rem}
.eyebrow{margin:0;color:var(--mark);font-size:.8rem;font-weight:650;letter-spacing:.08em;
text-transform:uppercase}
.lede{font-size:1.05rem;line-height:1.5;margin-bottom:.4rem}
.warning{border-left:3px solid var(--mark);padding-left:.75rem}
a{color:var(--bar)}
nav{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;font-size:.9rem;margin-top:.6rem}
nav a{padding:.2rem 0}
.note,figcaption{color:var(--soft);font-size:.875rem;line-height:1.5}
section{padding:1.75rem 0 0;margin-top:1.5rem;border-top:1px solid var(--rule)}
header+main>section:first-child{margin-top:.9rem;padding-top:1rem}
bdi,td,th,text{overflow-wrap:anywhere}
figure{margin:1.25rem 0 1.5rem}
figcaption{margin-bottom:.6rem;max-width:44rem}
figcaption b{color:var(--ink);font-weight:650}
.facts{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:0 1.5rem;
margin:1.5rem 0 .5rem}
.facts div{border-top:2px solid var(--ink);padding:.5rem 0 1.1rem}
.facts dt{color:var(--soft);font-size:.875rem;line-height:1.35}
.facts dd{margin:0;font-size:1.3rem;font-weight:600;line-height:1.25;overflow-wrap:anywhere}
.big{grid-template-columns:repeat(3,minmax(0,1fr));margin:.75rem 0 0}
.big dd{font-size:.875rem;font-weight:400;line-height:1.45;color:var(--soft)}
.big dt+dd{font-size:1.8rem;font-weight:550;letter-spacing:-.02em;line-height:1.25;color:var(--ink)}
.big dd b{font-weight:600;color:var(--ink)}.big .up{color:var(--up)}.big .down{color:var(--down)}
.scroll{overflow-x:auto;margin:.75rem 0 1.5rem;
background:linear-gradient(to left,var(--paper) 50%,transparent) 100% 0/3rem 100% no-repeat local,
linear-gradient(to left,var(--rule),transparent) 100% 0/1rem 100% no-repeat scroll}
.tall{max-height:88vh;overflow:auto}
.tall thead th{position:sticky;top:0;z-index:1;background:var(--paper);
box-shadow:0 1.5px var(--strong)}
.tools{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:0}
input{font:inherit;color:inherit;background:var(--card);border:1px solid var(--strong);
border-radius:.3rem;padding:.15rem .5rem;max-width:100%}
button{font:inherit;color:inherit;background:none;border:0;padding:0;text-align:inherit;cursor:pointer}
.more{color:var(--bar);border:1px solid var(--strong);border-radius:.3rem;
padding:.25rem .75rem;margin-bottom:1.5rem}
th[aria-sort]{color:var(--ink)}
th[aria-sort] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
:is(a,button,input):focus-visible,.scroll:focus-visible,summary:focus-visible{
outline:2px solid var(--bar);outline-offset:3px}
table{border-collapse:collapse;font-size:.9rem;line-height:1.4}
.top{width:100%}
th{font-weight:600;text-align:right;vertical-align:bottom;color:var(--soft);font-size:.8rem;line-height:1.25}
td{text-align:right;vertical-align:top}
th,td{padding:.42rem 0 .42rem .9rem;border-bottom:1px solid var(--rule);white-space:nowrap}
thead th{border-bottom:1.5px solid var(--strong)}
th:first-child,td:first-child{padding-left:0}
tbody th{color:var(--ink);font-size:inherit;line-height:inherit;font-weight:500;vertical-align:top}
.top .name,.top tbody th,.named td:nth-child(3){text-align:left;white-space:normal;
unicode-bidi:plaintext;overflow:clip;min-width:6rem}
.top tbody th{min-width:8rem;user-select:all}
.top td:nth-child(1){color:var(--soft)}
.top:not(.named) td:nth-child(3),.named td:nth-child(4){font-weight:650}
.reasons :is(td,th):is(:nth-child(1),:nth-child(2)){text-align:left}
.reasons td:nth-child(2){white-space:normal;color:var(--soft)}
.reasons code{white-space:nowrap}
.act :is(td,th):first-child{text-align:left;white-space:normal;min-width:6.5rem;
unicode-bidi:plaintext}
.segments .note{font-weight:400}
code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.92em}
.pair{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 3rem;align-items:center}
.plot{display:flex;padding-right:.75rem}
.axis{flex:none;width:3.1rem;overflow:visible}
.plot .chart{flex:1;min-width:0;overflow:visible}
.chart{display:block}
.chart,.chart svg{overflow:visible}
svg text{font-size:12px;fill:var(--soft)}
.axis text{text-anchor:end;transform:translateX(-8px)}
.grid{stroke:var(--rule)}
.zero{stroke:var(--strong)}
.equal{stroke:var(--strong);stroke-dasharray:4 4}
.bar{fill:var(--bar)}
.target{fill:transparent}
.gap{fill:var(--gap);fill-opacity:.55}
.line{fill:none;stroke:var(--bar);stroke-width:2.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.dot{fill:var(--paper);stroke:var(--bar);stroke-width:2.5}
svg .tick{text-anchor:middle}
svg .tick.first{text-anchor:start}
svg .tick.last{text-anchor:end}
svg .over{text-anchor:middle;fill:var(--ink)}
g:hover>.bar{fill:var(--mark)}
.key{display:inline-block;width:.85em;height:.85em;background:var(--gap);vertical-align:-.08em;margin-right:.2em}
.heat td{padding:.42rem .4rem;border:1px solid var(--paper);min-width:2.5rem}
.heat th{padding:.42rem .6rem .42rem 0}.heat tbody th{border-bottom-color:transparent}
.heat thead th{padding:.42rem .4rem}
.heat thead th:first-child,.heat tbody th{text-align:left;padding-left:0}
.h0,.h1,.h2,.h3{color:var(--on)}.h4,.h5{color:var(--over)}
.h0{background:var(--h0)}.h1{background:var(--h1)}.h2{background:var(--h2)}
.h3{background:var(--h3)}.h4{background:var(--h4)}.h5{background:var(--h5)}
details{margin:0 0 1.5rem}
summary{cursor:pointer;color:var(--bar);font-size:.9rem;width:fit-content}
.formula{border-left:3px solid var(--bar);padding:.2rem 0 .2rem 1.25rem;
margin:1.25rem 0 1.5rem;font-size:1.05rem}
.formula p{margin:.25rem 0;overflow:clip}
ul{padding-left:1.2rem;max-width:44rem}li{margin:.35rem 0}
.words{display:grid;grid-template-columns:minmax(8rem,auto) 1fr;gap:.5rem 1.5rem;max-width:48rem}
.words dt{font-weight:600}.words dd{margin:0;color:var(--soft)}
footer{padding-top:2rem;padding-bottom:4rem}
@media (max-width:64rem){.wider{display:none}.pair{grid-template-columns:minmax(0,1fr)}}
@media (max-width:44rem){header{padding-top:1.25rem}.wide,.risk :is(td,th):last-child{display:none}
.words{grid-template-columns:minmax(0,1fr)}.words{gap:0}.words dd{margin-bottom:.75rem}
.facts{gap:0 1rem;grid-template-columns:repeat(2,minmax(0,1fr))}
.big dd{font-size:.8rem}.big dt+dd{font-size:1.4rem}section{padding-top:2rem;margin-top:2rem}}
@page{margin:16mm 14mm}
@media print{:root{color-scheme:light;font-size:10pt}body{background:#fff;--paper:#fff}
header,main,footer{max-width:none;padding-left:0;padding-right:0}header{padding-top:0}
section{padding-top:1rem;margin-top:1rem}h1{font-size:20pt}h2{font-size:14pt}
.lede{font-size:1rem}footer{padding:.5rem 0}
h2,h3,figcaption,section>p{break-after:avoid}
p,figure,.facts,.pair,.formula,.words,.scroll:not(.tall),tr,li{break-inside:avoid}
.pair{grid-template-columns:minmax(0,1fr) auto}th button{display:contents}
.scroll{overflow:visible;background:none}table{font-size:8pt;line-height:1.25}th{font-size:7pt}
th,td{padding:.25rem 0 .25rem .5rem}
.heat table,table.heat{font-size:6.5pt}.heat td,.heat thead th{padding:.25rem .2rem;min-width:0}
.heat tbody th{padding:.25rem .3rem .25rem 0;font-size:6.5pt}thead{display:table-header-group}
details:not([open]),nav,.tools,.more{display:none}.big dt+dd{font-size:14pt}
.big dd,.facts dt,table .note{font-size:8pt}
.tall{max-height:none}.tall thead th{position:static}.eyebrow{display:none}
.bar,.gap,.heat td,.key{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
@media (forced-colors:active){.bar,.line,.dot{forced-color-adjust:none}}
"""
