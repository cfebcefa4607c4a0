/** HU of a chest's tissues at the moment of the scan, by tube voltage, and at random for domain randomisation. */
import type { Random } from '../../../base/index.ts';
import type { ScannerSettings } from '../../settings.ts';
import { drawTissues, type TissueHu } from '../contrast.ts';
import { normally } from './draws.ts';

/** Tissues of the heart's region and those that only a chest has. */
export interface ChestTissue extends TissueHu {
  readonly skin: number;
  readonly gland: number;
  readonly disc: number;
  readonly cord: number;
  readonly cartilage: number;
  readonly airway: number;
  readonly gas: number;
  readonly fluid: number;
  readonly stomach: number;
  readonly spleen: number;
  readonly lateVein: number;
  readonly pericardium: number;
  readonly couchShell: number;
  readonly couchFoam: number;
  readonly metal: number;
}

/** How far each tissue strays at variety 1, HU: as far as it can without every organ being mistaken for air. */
const straysHu = { blood: 170, soft: 60, fat: 60, lung: 90, bone: 220 } as const;

/** Bone and calcium absorb more at a lower voltage: about 1.5 times as much at 70 kV, 0.9 at 140 (120 kV is 1). */
export function boneFactor(kiloVolts: number): number {
  return (120 / kiloVolts) ** 0.72;
}

/** Draws the tissues of one patient. `variety` from 0 (as measured in HU) to 1 (random values, as SynthSeg draws them). */
export function drawChestTissue(
  random: Random,
  scanner: ScannerSettings,
  variety: number,
): ChestTissue {
  const measured = measuredTissue(random, scanner);
  if (variety === 0) return measured;
  const stray = random.fork('variety');
  const kindOf = (name: string): keyof typeof straysHu => {
    if (/Atrium|Ventricle|aorta|Artery|cava|Vein|spleen/.test(name)) return 'blood';
    if (name.includes('fat')) return 'fat';
    if (name.includes('lung')) return 'lung';
    return name.includes('Bone') ? 'bone' : 'soft';
  };
  const entries = Object.entries(measured as unknown as Record<string, number>).map(
    ([name, hu]): [string, number] => {
      if (/airway|gas|couch|metal/.test(name)) return [name, hu];
      const far = straysHu[kindOf(name)] * variety * (2 * stray.uniform() - 1);
      return [name, hu + far];
    },
  );
  return Object.fromEntries(entries) as unknown as ChestTissue;
}

function measuredTissue(random: Random, scanner: ScannerSettings): ChestTissue {
  const around = normally(random.fork('chest'));
  const blood = drawTissues(random, scanner);
  const bone = boneFactor(scanner.kiloVolts);
  const arterial = (blood.aorta - 42) / 350;
  return {
    ...blood,
    lung: around(-868, 22),
    liver: around(62, 9) + 28 * arterial,
    spongyBone: around(175, 40) * bone,
    corticalBone: around(850, 110) * bone,
    fat: around(-104, 6),
    vesselWall: around(52, 6),
    skin: around(5, 20),
    gland: around(25, 12),
    disc: around(85, 12),
    cord: around(35, 5),
    cartilage: around(105, 15),
    airway: -1000,
    gas: around(-985, 8),
    fluid: around(9, 6),
    stomach: around(45, 8) + 20 * arterial,
    spleen: around(70, 10) + 75 * arterial,
    lateVein: around(115, 20) + 40 * arterial,
    pericardium: around(35, 8),
    couchShell: around(-330, 80),
    couchFoam: around(-935, 12),
    metal: 3071,
  };
}
