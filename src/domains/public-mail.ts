/**
 * Where anybody gets a mailbox: no organization owns such a domain, whatever its name servers say. The large ones,
 * kept by hand: whoever verifies a smaller one has to control its name servers all the same.
 */
const PUBLIC = new Set(
  `gmail.com googlemail.com outlook.com outlook.de outlook.fr hotmail.com hotmail.co.uk hotmail.de hotmail.fr
hotmail.it hotmail.es live.com live.co.uk live.de live.fr live.nl msn.com passport.com
yahoo.com yahoo.co.uk yahoo.co.in yahoo.co.jp yahoo.com.br yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.ca ymail.com
rocketmail.com myyahoo.com aol.com aol.de aim.com verizon.net att.net sbcglobal.net bellsouth.net comcast.net
icloud.com me.com mac.com privaterelay.appleid.com
proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.io tuta.com tutamail.com keemail.me
gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.co.uk gmx.fr web.de email.de freenet.de t-online.de magenta.de arcor.de
posteo.de posteo.net mailbox.org mail.de 1und1.de vodafone.de
mail.ru inbox.ru list.ru bk.ru internet.ru yandex.ru yandex.com ya.ru rambler.ru ukr.net i.ua
qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com 139.com 189.cn
naver.com hanmail.net daum.net kakao.com nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp
rediffmail.com indiatimes.com zoho.com zohomail.com zohomail.eu
orange.fr wanadoo.fr laposte.net free.fr sfr.fr neuf.fr bbox.fr libero.it virgilio.it tiscali.it alice.it tin.it
tim.it pec.it terra.com.br uol.com.br bol.com.br ig.com.br globo.com
btinternet.com virginmedia.com sky.com talktalk.net ntlworld.com blueyonder.co.uk
ziggo.nl kpnmail.nl planet.nl home.nl xs4all.nl telenet.be skynet.be bluewin.ch hispeed.ch sunrise.ch
seznam.cz email.cz centrum.cz wp.pl o2.pl onet.pl interia.pl op.pl gazeta.pl abv.bg mail.bg citromail.hu freemail.hu
online.no telia.com tele2.se hotmail.se luukku.com
fastmail.com fastmail.fm hey.com hushmail.com mail.com email.com usa.com mailfence.com disroot.org riseup.net
runbox.com startmail.com skiff.com duck.com mozmail.com simplelogin.com anonaddy.com
mailinator.com guerrillamail.com 10minutemail.com temp-mail.org yopmail.com trashmail.com maildrop.cc sharklasers.com
rogers.com shaw.ca sympatico.ca telus.net bigpond.com optusnet.com.au xtra.co.nz walla.co.il cox.net charter.net
earthlink.net juno.com netzero.net optonline.net windstream.net frontier.com`.split(/\s+/),
)

export const isPublicMail = (domain: string): boolean => PUBLIC.has(domain)
